"""What a fresh store gets: always the same, once, whoever comes first, and quickly."""

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from backends.domain.listings import LISTINGS
from backends.domain.passwords import Passwords
from backends.domain.seeding import NEWS_ITEMS, Seeding
from backends.domain.store import Document, Store, open_store
from tests.backends.moved_clock import MovedClock

ROOT = Path(__file__).parents[3]
SEEDER = """
import asyncio, sys
from backends.domain.clock import SystemClock
from backends.domain.passwords import Passwords
from backends.domain.seeding import Seeding
from backends.domain.store import open_store

async def main():
    store = open_store(sys.argv[1])
    await store.prepare()
    await Seeding(store, Passwords(), SystemClock(), seed=7, days=260).run()
    await store.close()

asyncio.run(main())
"""


async def _seeded(url: str, *, days: int = 5, clock: MovedClock | None = None) -> Store:
    store = open_store(url)
    await store.prepare()
    await Seeding(store, Passwords(), clock or MovedClock(), seed=7, days=days).run()
    return store


async def _content(store: Store) -> dict[str, list[Document]]:
    names = ("stock_basics", "daily_quotes", "news", "config")
    return {name: await store.find(name, sort=[("_id", 1)]) for name in names}


async def test_a_fresh_file_is_full_for_less_than_two_seconds_of_a_core(sqlite_url: str) -> None:
    begun = time.process_time()
    store = await _seeded(sqlite_url, days=260)
    assert time.process_time() - begun < 2
    assert await store.count("daily_quotes") == 260 * len(LISTINGS)
    assert await store.count("stock_basics") == len(LISTINGS)
    assert await store.count("news") == NEWS_ITEMS
    assert await store.count("users") == 3
    await store.close()


async def test_the_same_seed_and_day_give_the_same_content(tmp_path: Path) -> None:
    first = await _seeded(f"sqlite:///{tmp_path / 'first.db'}")
    second = await _seeded(f"sqlite:///{tmp_path / 'second.db'}")
    assert await _content(first) == await _content(second)
    await first.close()
    await second.close()


async def test_seeding_again_another_day_changes_nothing(sqlite_url: str) -> None:
    store = await _seeded(sqlite_url)
    before = await _content(store)
    await store.update("config", {"_id": "system"}, {"site_name": "Ours"})
    next_year = MovedClock(datetime(2027, 11, 23, tzinfo=UTC))
    assert not await Seeding(store, Passwords(), next_year, seed=8, days=9).run()
    after = await _content(store)
    assert {name: after[name] for name in ("stock_basics", "daily_quotes", "news")} == {
        name: before[name] for name in ("stock_basics", "daily_quotes", "news")
    }
    assert (await store.get("config", "system") or {})["site_name"] == "Ours"
    await store.close()


async def test_an_interrupted_seeding_is_finished_by_the_next(sqlite_url: str) -> None:
    store = await _seeded(sqlite_url)
    complete = await _content(store)
    await store.update("config", {"_id": "seed"}, {"complete": False})
    await store.delete("news", "n-0007")
    await store.delete("stock_basics", "AAPL")
    assert await Seeding(store, Passwords(), MovedClock(), seed=7, days=5).run()
    assert await _content(store) == complete
    await store.close()


async def test_processes_that_open_a_fresh_file_at_once_fill_it_once(sqlite_url: str) -> None:
    command = [sys.executable, "-c", SEEDER, sqlite_url]
    processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    store = open_store(sqlite_url)
    assert await store.count("daily_quotes") == 260 * len(LISTINGS)
    assert await store.count("news") == NEWS_ITEMS
    assert (await store.get("config", "seed") or {})["complete"] is True
    await store.close()


async def test_seeding_works_over_the_mongodb_wire(mongo_url: str) -> None:
    store = await _seeded(mongo_url, days=3)
    assert await store.count("daily_quotes") == 3 * len(LISTINGS)
    assert await store.count("stock_basics") == len(LISTINGS)
    await store.close()
