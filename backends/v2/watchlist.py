"""`/api/v2/watchlist`: the caller's stocks."""

from types import NoneType

from pydantic import Field

from backends.domain.errors import FaultKind
from backends.domain.rules import Name, Notes, Price, Symbol, Tags
from backends.domain.watchlist import WatchDraft, Watchlist
from backends.v2.endpoint import Area, Call, Endpoint, NoInput
from backends.v2.shape import Input, Output


class NewWatchItem(Input):
    """A stock to watch; without a name it gets the stock's own."""

    tags: Tags = Field(default=[])
    notes: Notes = ""
    alert_price_high: Price | None = None
    alert_price_low: Price | None = None
    symbol: Symbol
    name: Name | None = None


class WatchChange(Input):
    """What may change about an item; only what was sent does, so no default is ever used, nor shown in the schema."""

    tags: Tags = Field(default_factory=list)
    notes: Notes = Field(default_factory=str)
    alert_price_high: Price | None = Field(default_factory=lambda: None)
    alert_price_low: Price | None = Field(default_factory=lambda: None)


class WatchItem(Output):
    """A stock that the caller watches."""

    symbol: str
    name: str
    tags: list[str]
    notes: str
    alert_price_high: float | None
    alert_price_low: float | None
    added_at: str


def watchlist_area(watchlist: Watchlist) -> Area:
    """The endpoints of `/api/v2/watchlist`."""
    handlers = _Watchlist(watchlist)
    return Area(
        "watchlist",
        "The caller's stocks",
        (
            Endpoint(
                method="GET",
                path="/api/v2/watchlist",
                summary="The caller's stocks, oldest first",
                reads=NoInput,
                answers=list[WatchItem],
                handle=handlers.all,
            ),
            Endpoint(
                method="POST",
                path="/api/v2/watchlist",
                summary="One more stock",
                reads=NewWatchItem,
                answers=WatchItem,
                handle=handlers.add,
                status=201,
                faults=(FaultKind.NOT_FOUND, FaultKind.CONFLICT),
            ),
            Endpoint(
                method="DELETE",
                path="/api/v2/watchlist/{symbol}",
                summary="One stock less",
                reads=NoInput,
                answers=NoneType,
                handle=handlers.remove,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="PATCH",
                path="/api/v2/watchlist/{symbol}",
                summary="Other tags, notes or alert prices",
                reads=WatchChange,
                answers=WatchItem,
                handle=handlers.change,
                faults=(FaultKind.NOT_FOUND,),
            ),
        ),
    )


class _Watchlist:
    def __init__(self, watchlist: Watchlist) -> None:
        self._watchlist = watchlist

    async def all(self, call: Call[NoInput]) -> list[WatchItem]:
        return [WatchItem.of(item) for item in await self._watchlist.list(call.user)]

    async def add(self, call: Call[NewWatchItem]) -> WatchItem:
        given = call.input
        draft = WatchDraft(
            symbol=given.symbol,
            name=given.name,
            tags=tuple(given.tags),
            notes=given.notes,
            alert_price_high=given.alert_price_high,
            alert_price_low=given.alert_price_low,
        )
        return WatchItem.of(await self._watchlist.add(call.user, draft))

    async def remove(self, call: Call[NoInput]) -> None:
        await self._watchlist.remove(call.user, call.part("symbol"))

    async def change(self, call: Call[WatchChange]) -> WatchItem:
        return WatchItem.of(await self._watchlist.change(call.user, call.part("symbol"), call.input.given()))
