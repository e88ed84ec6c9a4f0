"""What only many rows show: forgetting and reading go part by part."""

from pathlib import Path

import pytest

from gateway.control.store.sqlite import ledger
from gateway.control.store.sqlite.driver import SqliteStore
from gateway.control.usage import Batch
from tests.control.store.nouns import DAY, usage

CONSUMERS = [f"consumer-{number:02d}" for number in range(25)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "PAGE", 10)
    monkeypatch.setattr(ledger, "CUT", 10)


async def test_all_parts_are_read_and_forgotten(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "crossfade.db")
    kept = [usage(consumer, day) for consumer in CONSUMERS for day in (DAY, DAY + 1)]
    await store.record(Batch("gw-1", 1, [*kept, *(usage(row.consumer, migration="other") for row in kept[::2])]))

    assert [row async for row in store.usage(0, "watchlist")] == kept
    assert len([row async for row in store.usage(0)]) == 75
    await store.forget(DAY + 1)

    assert [row async for row in store.usage(0)] == kept[1::2]
    assert [dict(one.days) for one in await store.totals(0)] == [{DAY + 1: 1}] * 25
    await store.close()


async def test_reports_search_by_the_key_and_do_not_sort(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "crossfade.db")
    await store.open()
    statements: list[str] = []
    await store._reports.run(lambda db: db.set_trace_callback(statements.append))
    assert [row async for row in store.usage(DAY, "watchlist")] == []

    plan = await store._reports.run(lambda db: db.execute(f"EXPLAIN QUERY PLAN {statements[-1]}").fetchall())
    assert len(plan) == 1
    assert "SEARCH usage USING INDEX usage_key" in plan[0][-1]
    await store.close()


@pytest.mark.parametrize("together", [1, 4, 25, 32])
async def test_new_sheets_grown_ones_and_such_with_earlier_days_may_share_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(ledger, "TOGETHER", together)
    store = SqliteStore(tmp_path / "crossfade.db")
    for number, day in enumerate((DAY + 1, DAY + 2, DAY, DAY + 1), 1):
        await store.record(Batch("gw-1", number, [usage(one, day, requests=number) for one in CONSUMERS[::number]]))

    found = {(row.consumer, row.day): row.requests async for row in store.usage(0)}
    wanted = {(one, DAY + 1): 1 for one in CONSUMERS}
    wanted |= {(one, DAY + 2): 2 for one in CONSUMERS[::2]} | {(one, DAY): 3 for one in CONSUMERS[::3]}
    wanted |= {(one, DAY + 1): 5 for one in CONSUMERS[::4]}
    assert found == wanted

    await store.forget(DAY + 1)
    assert [row async for row in store.usage(0) if row.day == DAY] == []
    totals = {one.consumer: sum(one.days.values()) for one in await store.totals(0)}
    left = {one: sum(count for (who, day), count in wanted.items() if who == one and day > DAY) for one in CONSUMERS}
    assert totals == left
    await store.close()


@pytest.mark.parametrize("table", ["usage", "consumer"])
async def test_sheets_are_found_by_their_key(tmp_path: Path, table: str) -> None:
    store = SqliteStore(tmp_path / "crossfade.db")
    await store.open()
    query, values = ledger._select(table, 3), [""] * 3 * len(ledger.KEYS[table])
    plan = await store._file.run(lambda db: db.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall())
    assert f"SEARCH {table} USING INDEX {table}_key" in plan[-1][-1]
    assert all(f"{name}=?" in plan[-1][-1] for name in ledger.KEYS[table])
    await store.close()
