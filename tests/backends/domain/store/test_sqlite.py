"""The embedded file: shared by processes, safe from odd names, readable by anyone."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from backends.domain.store import open_store
from backends.domain.store.sql import column, where_clause

ROOT = Path(__file__).parents[4]
WRITER = """
import asyncio, sys
from backends.domain.store import open_store

async def main():
    store = open_store(sys.argv[1])
    await store.prepare()
    claimed = 0
    for number in range(100):
        await store.insert("news", {"_id": f"{sys.argv[2]}-{number}"})
        await store.insert("queue_tasks", {"_id": f"t-{number}", "status": "pending"})
        while await store.update("queue_tasks", {"status": "pending"}, {"status": "running", "by": sys.argv[2]}):
            claimed += 1
    print(claimed)
    await store.close()

asyncio.run(main())
"""


async def test_processes_share_one_file_without_losing_or_doubling_a_write(sqlite_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, sqlite_url, name, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for name in ("first", "second")
    ]
    outputs = [(await process.communicate())[0] for process in processes]
    assert sum(int(output) for output in outputs) == 100
    store = open_store(sqlite_url)
    assert await store.count("news") == 200
    assert await store.count("queue_tasks", {"status": "running"}) == 100
    await store.close()


async def test_the_file_is_in_wal_mode_and_holds_json(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "store.db"
    store = open_store(f"sqlite:///{path}")
    await store.prepare()
    await store.insert("config", {"_id": "x", "name": "茅台"})
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("SELECT body ->> 'name' FROM config").fetchone() == ("茅台",)
    other.close()
    await store.close()


async def test_the_queues_and_k_lines_are_found_by_index(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = open_store(f"sqlite:///{path}")
    await store.prepare()
    await store.close()
    db = sqlite3.connect(path)
    for table, where in [
        ("daily_quotes", {"symbol": "A", "date": {"$gte": "2026-01-01"}}),
        ("queue_tasks", {"user": "bob"}),
        ("queue_tasks", {"status": "pending"}),
        ("favorites", {"user": "bob"}),
    ]:
        clause, values = where_clause(where)
        plan = str(db.execute(f"EXPLAIN QUERY PLAN SELECT body FROM {table}{clause}", values).fetchall())
        assert f"USING INDEX by_{table}" in plan
    db.close()


@pytest.mark.parametrize("field", ["a'b", "a b", "", "a.b", "A", "$in"])
def test_odd_field_names_never_reach_the_sql(field: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        column(field)


async def test_values_that_json_cannot_hold_are_refused_and_change_nothing(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    await store.prepare()
    with pytest.raises((TypeError, ValueError)):
        await store.insert("config", {"_id": "x", "value": float("nan")})
    await store.insert("config", {"_id": "y", "value": 1})
    with pytest.raises(TypeError):
        await store.update("config", {"_id": "y"}, {"value": object()})
    assert await store.find("config") == [{"_id": "y", "value": 1}]
    await store.close()
