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
