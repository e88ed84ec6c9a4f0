"""The consumer ledger's buffer: rows add up here until they are written, at most one batch a second."""

import asyncio
import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from gateway.control.store.port import Store, StoreError
from gateway.control.usage import Batch, Usage
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, repeat, spawn
from gateway.observability.use import OTHERS

log = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 1.0
AWAY_SECONDS: Final = 3.0
"""How often a store that is away is tried."""
BATCH_ROWS: Final = 5_000
"""Rows written at once: 0.2 s of work for SQLite, which an operator's change waits for at the most."""
MOST_ROWS: Final = 200_000
"""Rows that wait at the most, some 100 MiB; what comes on top is added up without the callers' names."""

type Key = tuple[int, str, str, str, str, str]


class Ledger:
    """Owns the rows that are not written yet. No count is ever lost but with the process.

    A batch whose answer has not come is written again as it was, so that the store can tell that it has it already.
    `writer` names this start of this process.
    """

    def __init__(self, store: Store, clock: Clock, writer: str) -> None:
        self._store = store
        self._clock = clock
        self._writer = writer
        self._rows: dict[Key, Usage] = {}
        self._batch: Batch | None = None
        self._number = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self.is_up = True

    def __repr__(self) -> str:
        return f"<Ledger {len(self)} rows waiting{'' if self.is_up else ', store away'}>"

    def __len__(self) -> int:
        return len(self._rows) + (len(self._batch.rows) if self._batch is not None else 0)

    def add(self, rows: Iterable[Usage]) -> None:
        """Add rows up; where there is no room for more of them, under OTHERS."""
        for new in rows:
            row, key = new, new[:6]
            known = self._rows.get(key)
            if known is None and len(self._rows) >= MOST_ROWS:
                key = (*row[:4], OTHERS, "")
                known, row = self._rows.get(key), Usage(*key, *row[6:])
            self._rows[key] = row if known is None else _sum(known, row)

    def start(self) -> None:
        """Write from now on."""
        write = repeat(self._try, lambda: FLUSH_SECONDS if self.is_up else AWAY_SECONDS)
        spawn(write, name="write the ledger", owner=self._tasks)

    async def close(self) -> None:
        """Write what is left; may be called again."""
        await cancel_all(self._tasks)
        try:
            await self.flush()
        except StoreError as error:
            log.error("%d rows of the ledger are lost, the store is away: %s", len(self), error)

    async def flush(self) -> None:
        """Write everything that waits; raises StoreError, and then keeps it."""
        while len(self):
            await self.write()

    async def write(self) -> None:
        """Write one batch, of the rows that wait longest; raises StoreError, and then keeps it as it is."""
        if self._batch is None:
            if not self._rows:
                return
            first = [self._rows.pop(key) for key in list(islice(self._rows, BATCH_ROWS))]
            self._batch = Batch(self._writer, self._next(), first)
        await self._store.record(self._batch)
        self._batch = None

    def _next(self) -> int:
        """Return a number above all before, also those of an earlier process with the same name."""
        self._number = max(self._number + 1, int(self._clock.now() * 1e9))
        return self._number

    async def _try(self) -> None:
        try:
            await self.write()
        except StoreError as error:
            self._note(is_up=False, why=str(error))
        else:
            self._note(is_up=True)

    def _note(self, *, is_up: bool, why: str = "") -> None:
        if is_up is not self.is_up:
            self.is_up = is_up
            if is_up:
                log.info("the ledger is written again")
            else:
                log.error("the ledger waits, %d rows so far: %s", len(self), why)


def _sum(known: Usage, row: Usage) -> Usage:
    requests, failures = known.requests + row.requests, known.failures + row.failures
    return Usage(*known[:6], requests, failures, min(known.first, row.first), max(known.last, row.last))
