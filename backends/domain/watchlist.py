"""Each user's watchlist: one document a user and stock."""

import builtins
from collections.abc import Mapping
from dataclasses import dataclass

from backends.domain.clock import Clock, iso
from backends.domain.errors import Fault, FaultKind
from backends.domain.market import Market
from backends.domain.settings import SystemSettings
from backends.domain.store import Document, Store

COLLECTION = "favorites"
CHANGEABLE = frozenset({"tags", "notes", "alert_price_high", "alert_price_low"})


@dataclass(frozen=True, slots=True)
class WatchItem:
    """One watched stock of one user."""

    symbol: str
    name: str
    tags: list[str]
    notes: str
    alert_price_high: float | None
    alert_price_low: float | None
    added_at: str


@dataclass(frozen=True, slots=True)
class WatchDraft:
    """What a user gives to watch a stock; without a name the stock's own is taken."""

    symbol: str
    name: str | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""
    alert_price_high: float | None = None
    alert_price_low: float | None = None


class Watchlist:
    """Lists, adds, changes and removes. A pair of user and symbol is its own key, so adding twice cannot happen."""

    def __init__(self, store: Store, market: Market, settings: SystemSettings, clock: Clock) -> None:
        self._store = store
        self._market = market
        self._settings = settings
        self._clock = clock

    async def list(self, user: str) -> builtins.list[WatchItem]:
        """The user's items, oldest first."""
        documents = await self._store.find(COLLECTION, {"user": user}, sort=[("added_at", 1), ("_id", 1)])
        return [_item(document) for document in documents]

    async def add(self, user: str, draft: WatchDraft) -> WatchItem:
        """Watches a stock; raises NOT_FOUND for an unknown one, CONFLICT if it is watched or the list is full."""
        stock = await self._market.stock(draft.symbol)
        document: Document = {
            "_id": _key(user, draft.symbol),
            "user": user,
            "symbol": draft.symbol,
            "name": draft.name or stock.name,
            "tags": [*draft.tags],
            "notes": draft.notes,
            "alert_price_high": draft.alert_price_high,
            "alert_price_low": draft.alert_price_low,
            "added_at": iso(self._clock.now()),
        }
        await self._require_room(user, document["_id"])
        if not await self._store.insert(COLLECTION, document):
            raise _already_watched()
        return _item(document)

    async def remove(self, user: str, symbol: str) -> None:
        """Watches the stock no longer."""
        if not await self._store.delete(COLLECTION, _key(user, symbol)):
            raise _not_watched()

    async def change(self, user: str, symbol: str, changes: Mapping[str, object]) -> WatchItem:
        """Sets any of `CHANGEABLE`; nothing else."""
        wanted = {field: value for field, value in changes.items() if field in CHANGEABLE}
        document = await self._store.update(COLLECTION, {"_id": _key(user, symbol)}, wanted)
        if document is None:
            raise _not_watched()
        return _item(document)

    async def _require_room(self, user: str, key: str) -> None:
        allowed = (await self._settings.read()).max_watchlist
        watched = await self._store.count(COLLECTION, {"user": user})
        if watched < allowed:
            return
        if await self._store.get(COLLECTION, key) is not None:
            raise _already_watched()
        raise Fault(FaultKind.CONFLICT, "the watchlist is full")


def _already_watched() -> Fault:
    return Fault(FaultKind.CONFLICT, "this stock is on the watchlist already", "symbol")


def _not_watched() -> Fault:
    return Fault(FaultKind.NOT_FOUND, "this stock is not on the watchlist", "symbol")


def _key(user: str, symbol: str) -> str:
    return f"{user}:{symbol}"


def _item(document: Document) -> WatchItem:
    return WatchItem(
        symbol=document["symbol"],
        name=document["name"],
        tags=[*document["tags"]],
        notes=document["notes"],
        alert_price_high=document["alert_price_high"],
        alert_price_low=document["alert_price_low"],
        added_at=document["added_at"],
    )
