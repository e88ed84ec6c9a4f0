"""Who still calls the legacy contract: the ledger's totals, with what has become of each consumer, and will."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from gateway.config.schema import Config
from gateway.config.snapshot import Snapshot
from gateway.control.outlook import Turn, outlook
from gateway.control.store.port import Store
from gateway.control.trend import DAY_SECONDS, Span, Trend, spans, trend
from gateway.control.usage import Total
from gateway.core.clock import Clock

OUTLOOK_DAYS: Final = 7
"""Whoever called in these days will call again."""

type Trends = Mapping[tuple[str, str], Trend]
"""By migration and consumer."""


class Rules(Protocol):
    """The rules that the gateway goes by at the moment."""

    @property
    def config(self) -> Config:
        """What the file says."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """The same with the live values."""
        ...


class Client(NamedTuple):
    """One consumer of one migration: what it did in the time asked about, and whether it has reacted."""

    total: Total
    trend: Trend

    @property
    def served(self) -> float | None:
        """The share of its requests that the successor served without error, 0–1; None where none was served."""
        asked = self.total.legacy + self.total.successor
        return (self.total.successor - self.total.successor_failures) / asked if asked else None


class Audience:
    """Reads the ledger for people; it changes nothing. Every call raises StoreError while the store is away."""

    def __init__(self, store: Store, rules: Rules, clock: Clock) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Audience of {self._rules.snapshot!r}>"

    def migrations(self) -> Sequence[str]:
        """Return the names of all migrations."""
        return list(self._rules.snapshot.migrations)

    async def clients(self, migration: str | None, since: float, limit: int) -> tuple[int, Sequence[Client]]:
        """Return how many consumers called in the last `since` seconds, and so many of them, most calls first."""
        now = self._clock.now()
        first = int((now - since) // DAY_SECONDS)
        compared = self._spans(now)
        names = [name for name in compared if migration in {None, name}]
        begin = min((compared[name].begin for name in names if compared[name].has_begun), default=first)
        known, callers = await self._store.busiest(first, names, limit)
        # Where everybody is wanted, reading all at once is the quickest.
        of = callers if len(callers) < known else None
        earlier: Trends = {}
        if begin < first:
            # Read first and kept as three numbers each, so that both readings are never held at once.
            earlier = await asyncio.to_thread(_trends, await self._store.totals(begin, migration, of), compared)
        totals = await self._store.totals(first, migration, of)
        return known, await asyncio.to_thread(_clients, totals, compared, earlier)

    async def outlook(self, migration: str | None, at: float | None) -> Sequence[Turn]:
        """Return every coming change and whom it hits; with `at` what will have changed by then."""
        now = self._clock.now()
        first = int(now // DAY_SECONDS) - OUTLOOK_DAYS + 1
        totals = await self._store.totals(first, migration)
        snapshot = self._rules.snapshot
        turns = await asyncio.to_thread(_outlook, snapshot, totals, first, now, at)
        return [turn for turn in turns if migration in {None, turn.migration}]

    def _spans(self, now: float) -> Mapping[str, Span]:
        kept = self._rules.config.ledger.keep
        return spans(self._rules.snapshot, now, int((now - kept) // DAY_SECONDS))


def _trends(totals: Iterable[Total], compared: Mapping[str, Span]) -> Trends:
    return {
        (total.migration, total.consumer): trend(total.days, compared[total.migration])
        for total in totals
        if total.migration in compared
    }


def _clients(totals: Iterable[Total], compared: Mapping[str, Span], earlier: Trends) -> list[Client]:
    return [
        Client(total, earlier.get((total.migration, total.consumer)) or trend(total.days, compared[total.migration]))
        for total in totals
        if total.migration in compared
    ]


def _outlook(snapshot: Snapshot, totals: Iterable[Total], first: int, now: float, at: float | None) -> list[Turn]:
    by_migration: dict[str, list[Total]] = {}
    oldest = now
    for total in totals:
        by_migration.setdefault(total.migration, []).append(total)
        oldest = min(oldest, total.first)
    # A ledger that is younger than the days asked about is measured by its own age, a day at the least.
    days = max(1.0, (now - max(oldest, first * DAY_SECONDS)) / DAY_SECONDS)
    return outlook(snapshot, by_migration, days, now, at)
