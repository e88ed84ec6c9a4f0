"""Totals and rows tell the same story, whatever was recorded and repeated."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.control.store.opening import open_store
from gateway.control.usage import Batch, Caller, Total, Usage
from tests.control.store.nouns import DAY, SECONDS

COUNTS = st.integers(1, 100) | st.integers(2**32 - 3, 2**40)
ROWS = st.builds(
    lambda who, day, requests, seconds: Usage(
        day, *who, requests, requests // 3, *sorted(float(day * SECONDS + second) for second in seconds)
    ),
    st.tuples(
        st.sampled_from(["news", "watchlist"]),
        st.sampled_from(["GET /a", "GET /b"]),
        st.sampled_from(["legacy", "successor", ""]),
        st.sampled_from(["acme", "bob", "用户1"]),
        st.sampled_from(["", "{}"]),
    ),
    st.integers(DAY - 140, DAY + 3),
    COUNTS,
    st.tuples(st.integers(0, SECONDS - 1), st.integers(0, SECONDS - 1)),
)
BATCHES = st.lists(st.lists(ROWS, max_size=6, unique_by=lambda row: (row.day, *key(row))), max_size=8)


def key(row: Usage) -> tuple[str, ...]:
    return row.migration, row.endpoint, row.side, row.consumer, row.profile


@settings(max_examples=40, deadline=None)
@given(BATCHES, st.integers(DAY - 141, DAY + 4), st.sampled_from([None, "news"]))
def test_totals_are_the_sum_of_the_rows(batches: list[list[Usage]], since: int, migration: str | None) -> None:
    with TemporaryDirectory() as folder:
        recorded, totals, left = asyncio.run(recorded_totals_and_left(Path(folder), batches, since, migration))
    wanted = [row for batch in batches for row in batch if row.day >= since and migration in {None, row.migration}]
    assert {(row.day, *key(row)): row for row in recorded} == merged(wanted)
    assert list(totals) == expected(recorded)
    assert left == recorded


@settings(max_examples=40, deadline=None)
@given(BATCHES, st.integers(DAY - 141, DAY + 4), st.sampled_from([["news"], ["news", "watchlist"]]), st.integers(1, 7))
def test_the_busiest_are_those_with_the_greatest_totals(
    batches: list[list[Usage]], since: int, migrations: list[str], limit: int
) -> None:
    with TemporaryDirectory() as folder:
        totals, (known, callers), theirs = asyncio.run(
            totals_busiest_and_theirs(Path(folder), batches, since, migrations, limit)
        )
    wanted = [total for total in totals if total.migration in migrations]
    assert known == len(wanted)
    assert list(callers) == [total[:2] for total in wanted[:limit]]
    assert list(theirs) == wanted[:limit]


async def recorded_totals_and_left(
    folder: Path, batches: list[list[Usage]], since: int, migration: str | None
) -> tuple[Sequence[Usage], Sequence[Total], Sequence[Usage]]:
    """Record each batch twice; return the rows and totals since a day, and the rows left when the earlier ones go."""
    store = open_store(f"sqlite:///{folder}/crossfade.db")
    for number, rows in enumerate(batches, 1):
        for _ in range(2):
            await store.record(Batch("gw-1", number, rows))
    recorded = [row async for row in store.usage(since, migration)]
    totals = await store.totals(since, migration)
    await store.forget(since)
    left = [row async for row in store.usage(0, migration)]
    assert await store.totals(0, migration) == totals
    await store.close()
    return recorded, totals, left


async def totals_busiest_and_theirs(
    folder: Path, batches: list[list[Usage]], since: int, migrations: list[str], limit: int
) -> tuple[Sequence[Total], tuple[int, Sequence[Caller]], Sequence[Total]]:
    store = open_store(f"sqlite:///{folder}/crossfade.db")
    for number, rows in enumerate(batches, 1):
        await store.record(Batch("gw-1", number, rows))
    known, callers = await store.busiest(since, migrations, limit)
    found = await store.totals(since), (known, callers), await store.totals(since, of=callers)
    await store.close()
    return found


def merged(rows: Sequence[Usage]) -> dict[tuple[int | str, ...], Usage]:
    by_key: dict[tuple[int | str, ...], list[Usage]] = defaultdict(list)
    for row in rows:
        by_key[row.day, *key(row)].append(row)
    return {
        name: Usage(
            some[0].day,
            *key(some[0]),
            sum(row.requests for row in some),
            sum(row.failures for row in some),
            min(row.first for row in some),
            max(row.last for row in some),
        )
        for name, some in by_key.items()
    }


def expected(rows: Sequence[Usage]) -> list[Total]:
    by_consumer: dict[tuple[str, str], list[Usage]] = defaultdict(list)
    for row in rows:
        by_consumer[row.migration, row.consumer].append(row)
    totals = [expected_total(some) for some in by_consumer.values()]
    return sorted(totals, key=lambda one: (-one.legacy, one.migration, one.consumer))


def expected_total(rows: Sequence[Usage]) -> Total:
    def requests(side: str) -> int:
        return sum(row.requests for row in rows if row.side == side)

    def failures(side: str) -> int:
        return sum(row.failures for row in rows if row.side == side)

    def by(field: str) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for row in rows:
            found[getattr(row, field)] += row.requests
        return dict(found)

    return Total(
        rows[0].migration,
        rows[0].consumer,
        requests("legacy"),
        requests("successor"),
        requests(""),
        failures("legacy"),
        failures("successor"),
        min(row.first for row in rows),
        max(row.last for row in rows),
        by("endpoint"),
        by("day"),  # type: ignore[arg-type]
    )
