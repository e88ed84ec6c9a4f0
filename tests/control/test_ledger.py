"""Rows add up, are written once, and wait where the store is away."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.control import ledger as module
from gateway.control.ledger import Ledger
from gateway.control.store.opening import open_store
from gateway.control.store.port import StoreError
from gateway.control.usage import Batch, Usage
from gateway.core.tasks import spawn
from gateway.observability.use import OTHERS
from tests.support.clock import FakeClock

DAY = 20_000
NOON = DAY * 86_400.0 + 43_200


def _row(consumer: str = "acme", requests: int = 1, at: float = NOON) -> Usage:
    return Usage(DAY, "watchlist", "GET /api/favorites", "legacy", consumer, '{"claim:sub":"x"}', requests, 0, at, at)


class Shelf:
    """A real store that loses answers, and notes what is written."""

    def __init__(self, folder: Path) -> None:
        self._store = open_store(f"sqlite:///{folder / 'ledger.db'}")
        self.batches: list[Batch] = []
        self.is_away = False
        self.loses_answers = False

    async def record(self, batch: Batch) -> None:
        if self.is_away:
            raise StoreError("away")
        await self._store.record(batch)
        self.batches.append(batch)
        if self.loses_answers:
            raise StoreError("the answer was lost")

    async def counts(self) -> Counter[str]:
        found: Counter[str] = Counter()
        async for row in self._store.usage(DAY):
            found[row.consumer] += row.requests
        return found

    async def __aenter__(self) -> "Shelf":
        await self._store.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()


def _ledger(shelf: Shelf) -> Ledger:
    store: Any = shelf
    return Ledger(store, FakeClock(NOON), "one")


async def test_equal_rows_are_one(tmp_path: Path) -> None:
    async with Shelf(tmp_path) as shelf:
        ledger = _ledger(shelf)
        ledger.add([_row(at=NOON), _row(requests=4, at=NOON + 5), _row("bob")])
        assert len(ledger) == 2
        await ledger.flush()
        (batch,) = shelf.batches
        acme = next(row for row in batch.rows if row.consumer == "acme")
        assert (acme.requests, acme.first, acme.last) == (5, NOON, NOON + 5)
        assert await shelf.counts() == {"acme": 5, "bob": 1}


async def test_nothing_is_written_when_there_is_nothing(tmp_path: Path) -> None:
    async with Shelf(tmp_path) as shelf:
        ledger = _ledger(shelf)
        await ledger.flush()
        await ledger.close()
        assert shelf.batches == []


async def test_what_waits_while_the_store_is_away_is_written_when_it_is_back(tmp_path: Path) -> None:
    async with Shelf(tmp_path) as shelf:
        ledger = _ledger(shelf)
        shelf.is_away = True
        for _ in range(5):
            ledger.add([_row()])
            with pytest.raises(StoreError):
                await ledger.flush()
        assert len(ledger) == 2, "the batch that was tried, and what came since"
        shelf.is_away = False
        await ledger.flush()
        assert len(ledger) == 0
        assert await shelf.counts() == {"acme": 5}


async def test_a_batch_whose_answer_was_lost_counts_once(tmp_path: Path) -> None:
    async with Shelf(tmp_path) as shelf:
        ledger = _ledger(shelf)
        shelf.loses_answers = True
        ledger.add([_row(requests=3)])
        with pytest.raises(StoreError):
            await ledger.flush()
        ledger.add([_row(requests=2)])
        shelf.loses_answers = False
        await ledger.flush()
        numbers = [batch.number for batch in shelf.batches]
        assert numbers == sorted(numbers)
        assert numbers[0] == numbers[1] < numbers[2]
        assert await shelf.counts() == {"acme": 5}


async def test_no_count_is_lost_where_there_is_no_room_for_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 3)
    async with Shelf(tmp_path) as shelf:
        ledger = _ledger(shelf)
        rows: Sequence[Usage] = [_row(f"consumer-{number % 7}") for number in range(70)]
        ledger.add(rows)
        await ledger.close()
        assert await shelf.counts() == {"consumer-0": 10, "consumer-1": 10, "consumer-2": 10, OTHERS: 40}


async def test_numbers_grow_also_when_the_clock_goes_back(tmp_path: Path) -> None:
    async with Shelf(tmp_path) as shelf:
        clock = FakeClock(NOON)
        store: Any = shelf
        ledger = Ledger(store, clock, "one")
        for moment in (NOON, NOON - 3600, NOON - 7200):
            clock.jump(moment)
            ledger.add([_row()])
            await ledger.flush()
        numbers = [batch.number for batch in shelf.batches]
        assert numbers == sorted(set(numbers))
        assert await shelf.counts() == {"acme": 3}


async def test_one_batch_is_bounded_and_leaves_the_rest_for_the_next_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    async with Shelf(tmp_path) as shelf:
        ledger = _ledger(shelf)
        ledger.add(_row(f"consumer-{number}") for number in range(7))
        sizes = []
        while len(ledger):
            await ledger.write()
            sizes.append(len(shelf.batches))
        assert sizes == [1, 2, 3]
        assert [len(batch.rows) for batch in shelf.batches] == [3, 3, 1]
        assert sum((await shelf.counts()).values()) == 7


async def test_rows_that_come_during_a_write_are_no_second_batch(tmp_path: Path) -> None:
    async with Shelf(tmp_path) as shelf:
        ledger = _ledger(shelf)
        ledger.add([_row()])
        writing = spawn(ledger.write(), name="write", owner=set())
        await asyncio.sleep(0)
        ledger.add([_row("bob")])
        await writing
        assert [[row.consumer for row in batch.rows] for batch in shelf.batches] == [["acme"]]
        await ledger.close()
        assert await shelf.counts() == {"acme": 1, "bob": 1}
