"""`/api/favorites`: the caller's watchlist under its old name."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.rules import Name, Notes, Price, Symbol, Tags
from backends.domain.watchlist import WatchDraft, WatchItem, Watchlist
from backends.shell.inputs import body
from backends.v1.access import caller
from backends.v1.envelope import stamp, success


class ChangeBody(BaseModel):
    """What may change about an item; only what was sent does."""

    tags: Tags = []
    notes: Notes = ""
    alert_price_high: Price | None = None
    alert_price_low: Price | None = None


class FavoriteBody(ChangeBody):
    """A stock to watch; without a name it goes by the stock's own."""

    stock_code: Symbol
    stock_name: Name | None = None


class FavoritesArea:
    """The handlers of `/api/favorites`."""

    def __init__(self, watchlist: Watchlist) -> None:
        self._watchlist = watchlist

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/favorites", self.index),
            web.post("/api/favorites", self.add),
            web.delete("/api/favorites/{stock_code}", self.remove),
            web.patch("/api/favorites/{stock_code}", self.change),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """The caller's stocks, oldest first."""
        return success([item_shape(item) for item in await self._watchlist.list(caller(request))])

    async def add(self, request: web.Request) -> web.Response:
        """One more stock."""
        given = await body(request, FavoriteBody)
        draft = WatchDraft(
            symbol=given.stock_code,
            name=given.stock_name,
            tags=tuple(given.tags),
            notes=given.notes,
            alert_price_high=given.alert_price_high,
            alert_price_low=given.alert_price_low,
        )
        item = await self._watchlist.add(caller(request), draft)
        return success({"stock_code": item.symbol})

    async def remove(self, request: web.Request) -> web.Response:
        """One stock less."""
        await self._watchlist.remove(caller(request), request.match_info["stock_code"])
        return success(None)

    async def change(self, request: web.Request) -> web.Response:
        """Other tags, notes or prices."""
        given = await body(request, ChangeBody)
        changes = given.model_dump(exclude_unset=True)
        item = await self._watchlist.change(caller(request), request.match_info["stock_code"], changes)
        return success(item_shape(item))


def item_shape(item: WatchItem) -> dict[str, object]:
    """v1's favourite."""
    return {
        "stock_code": item.symbol,
        "stock_name": item.name,
        "tags": item.tags,
        "notes": item.notes,
        "alert_price_high": item.alert_price_high,
        "alert_price_low": item.alert_price_low,
        "added_at": stamp(item.added_at),
    }
