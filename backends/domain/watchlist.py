"""Each user's watchlist."""

from collections.abc import Mapping
from dataclasses import dataclass


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
    async def list(self, user: str) -> "list[WatchItem]":
        raise NotImplementedError

    async def add(self, user: str, draft: WatchDraft) -> WatchItem:
        raise NotImplementedError

    async def remove(self, user: str, symbol: str) -> None:
        raise NotImplementedError

    async def change(self, user: str, symbol: str, changes: Mapping[str, object]) -> WatchItem:
        """changes: any of tags, notes, alert_price_high, alert_price_low"""
        raise NotImplementedError
