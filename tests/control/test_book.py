"""Two gateways write into one book, and agree on what stands in it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from gateway.control.book import Book, Draft
from gateway.control.event import Event, Verb
from gateway.control.standing import Standing
from gateway.control.store.opening import open_store
from gateway.control.store.port import StoreError
from gateway.core.clock import SystemClock
from tests.support.soon import soon


class Faulty:
    """A real store that can be made to be away."""

    def __init__(self, url: str) -> None:
        self._store = open_store(url)
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)

        async def ask(*arguments: Any, **named: Any) -> Any:
            if self.is_away and name != "close":
                raise StoreError("it is away")
            return await found(*arguments, **named)

        return ask


class Reader:
    """Notes what is published."""

    def __init__(self) -> None:
        self.seen: list[Standing] = []

    async def publish(self, standing: Standing) -> None:
        self.seen.append(standing)


@asynccontextmanager
async def _book(folder: Path) -> AsyncIterator[tuple[Book, Reader, Faulty]]:
    reader = Reader()
    store = await asyncio.to_thread(Faulty, f"sqlite:///{folder / 'book.db'}")
    book = Book(store, reader.publish, SystemClock())
    try:
        await book.start()
        yield book, reader, store
    finally:
        await book.close()


def _set(percent: float) -> Any:
    def decide(standing: Standing) -> Draft:
        before = standing.rollouts.get("watchlist", {})
        return Draft("watchlist", Verb.SET, "operator:ops", "why", before, {"percent": percent})

    return decide


def _raised(standing: Standing) -> Draft:
    percent = standing.percent("watchlist") or 0.0
    return Draft("watchlist", Verb.SET, "operator:ops", "why", {"percent": percent}, {"percent": percent + 1})


async def test_a_change_is_published_before_it_is_acknowledged(tmp_path: Path) -> None:
    async with _book(tmp_path) as (book, reader, _):
        event = await book.change(_set(25.0))
        assert event is not None
        assert (event.number, event.after) == (1, {"percent": 25.0})
        assert reader.seen[-1].percent("watchlist") == 25.0
        assert book.last["watchlist"] == event


async def test_a_change_that_wants_nothing_leaves_no_event(tmp_path: Path) -> None:
    async with _book(tmp_path) as (book, reader, _):
        assert await book.change(lambda _standing: None) is None
        assert reader.seen == []


async def test_another_gateway_sees_it_within_a_second(tmp_path: Path) -> None:
    async with _book(tmp_path) as (one, _, _), _book(tmp_path) as (_, reader, _):
        await one.change(_set(40.0))
        assert await soon(lambda: bool(reader.seen) and reader.seen[-1].percent("watchlist") == 40.0, seconds=1)


async def test_what_is_there_is_read_at_the_start(tmp_path: Path) -> None:
    async with _book(tmp_path) as (one, _, _):
        await one.change(_set(40.0))
    async with _book(tmp_path) as (other, reader, _):
        assert other.standing.percent("watchlist") == 40.0
        assert [standing.number for standing in reader.seen] == [1]


async def test_whoever_is_overtaken_decides_anew(tmp_path: Path) -> None:
    async with _book(tmp_path) as (one, _, _), _book(tmp_path) as (other, _, _):
        await asyncio.gather(*(book.change(_raised) for book in (one, other) for _ in range(20)))
        await one.catch_up()
        assert one.standing.percent("watchlist") == 40.0
        assert one.standing.number == 40


async def test_while_the_store_is_away_nothing_can_be_changed_and_what_holds_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with _book(tmp_path) as (book, _, store):
        await book.change(_set(25.0))
        store.is_away = True
        with pytest.raises(StoreError, match="away"):
            await book.change(_set(30.0))
        with pytest.raises(StoreError):
            await book.change(_set(30.0))
        assert not book.is_up
        assert book.standing.percent("watchlist") == 25.0
        assert caplog.text.count("the store is away") == 1
        store.is_away = False
        event = await book.change(_set(30.0))
        assert event is not None
        assert book.is_up


async def test_a_store_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    async with _book(tmp_path) as (one, _, _):
        await one.change(_set(40.0))
    reader = Reader()
    store = await asyncio.to_thread(Faulty, f"sqlite:///{tmp_path / 'book.db'}")
    store.is_away = True
    book = Book(store, reader.publish, SystemClock())
    await book.start()
    try:
        assert not book.is_up
        store.is_away = False
        assert await soon(lambda: bool(reader.seen))
        assert reader.seen[-1].percent("watchlist") == 40.0
    finally:
        await book.close()


async def test_an_event_that_was_decided_elsewhere_is_appended_once(tmp_path: Path) -> None:
    async with _book(tmp_path) as (book, reader, _):
        event = Event(1, 1.0, "watchlist", Verb.ADVANCE, "controller:a", "passes", {}, {"percent": 5.0}, fence=3)
        await book.append(event)
        await book.append(event)
        assert [standing.number for standing in reader.seen] == [1]
        found: Sequence[Event] = await book._store.events()
        assert list(found) == [event]


async def test_a_store_that_was_set_back_is_named_and_traffic_stays_as_it_is(tmp_path: Path) -> None:
    async with _book(tmp_path) as (book, reader, _):
        await book.change(_set(25.0))
        await book.change(_set(35.0))
        await asyncio.to_thread(_empty, tmp_path)
        with pytest.raises(StoreError, match="has been removed or replaced"):
            await book.change(_set(45.0))
        with pytest.raises(StoreError, match="the store is empty, this gateway knows 2 events: was it restored"):
            await book.change(_set(45.0))
        assert book.standing.percent("watchlist") == 35.0
        assert len(reader.seen) == 2


async def test_an_event_of_a_newer_version_is_named_and_what_holds_goes_on(tmp_path: Path) -> None:
    async with _book(tmp_path) as (book, _, _):
        await book.change(_set(25.0))
        await asyncio.to_thread(_freeze, tmp_path / "book.db")
        with pytest.raises(StoreError, match="an event says 'freeze'"):
            await book.change(_set(30.0))
        assert not book.is_up
        assert book.standing.percent("watchlist") == 25.0


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def _freeze(file: Path) -> None:
    """Write what only a version of tomorrow could."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("CREATE TEMP TABLE copy AS SELECT * FROM event")
        db.execute("UPDATE copy SET number = 2, verb = 'freeze'")
        db.execute("INSERT INTO event SELECT * FROM copy")
