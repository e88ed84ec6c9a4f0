"""The ledger: batches count once, totals agree with the rows."""

from collections.abc import Iterable

import pytest

from gateway.control.store.opening import open_store
from gateway.control.store.port import Store
from gateway.control.usage import Batch, Total, Usage
from tests.control.store.nouns import DAY, SECONDS, usage


async def rows(store: Store, since_day: int = 0, migration: str | None = None) -> list[Usage]:
    return [row async for row in store.usage(since_day, migration)]


def sorted_rows(some: Iterable[Usage]) -> list[Usage]:
    return sorted(some, key=lambda row: (row.migration, row.consumer, row.endpoint, row.side, row.profile, row.day))


async def test_rows_come_back_as_they_were(store: Store) -> None:
    kept = [
        usage(),
        usage("Jürgen", failures=1),
        usage(side="successor"),
        usage(day=DAY + 1),
        usage("a\0b\n", profile=""),
    ]
    await store.record(Batch("gw-1", 1, kept))

    assert sorted_rows(await rows(store)) == sorted_rows(kept)


async def test_a_batch_counts_once_however_often_it_is_written(store: Store) -> None:
    batch = Batch("gw-1", 1, [usage(requests=3), usage("bob", requests=4)])
    for _ in range(3):
        await store.record(batch)

    assert sorted_rows(await rows(store)) == [usage(requests=3), usage("bob", requests=4)]


async def test_later_batches_and_other_writers_add_up(store: Store) -> None:
    early, late = DAY * SECONDS + 1.0, DAY * SECONDS + 80_000.0
    await store.record(Batch("gw-1", 1, [usage(requests=3, failures=1)]))
    await store.record(Batch("gw-1", 2, [usage(requests=5, last=late)]))
    await store.record(Batch("gw-2", 1, [usage(requests=7, failures=2, first=early)]))
    await store.record(Batch("gw-2", 1, [usage(requests=7, failures=2, first=early)]))

    assert await rows(store) == [usage(requests=15, failures=3, first=early, last=late)]


async def test_a_batch_that_was_written_in_part_is_completed(store: Store) -> None:
    """As after a crash in the middle of it, where a store has no transactions."""
    await store.record(Batch("gw-1", 1, [usage(requests=3)]))
    await store.record(Batch("gw-2", 5, [usage(requests=4)]))

    await store.record(Batch("gw-2", 6, [usage(requests=4), usage("bob")]))
    await store.record(Batch("gw-2", 6, [usage(requests=4), usage("bob")]))

    assert await rows(store) == [usage(requests=11), usage("bob")]


async def test_rows_of_a_consumer_lie_side_by_side(store: Store) -> None:
    kept = [
        usage(consumer, day, endpoint=endpoint, migration=migration)
        for day in (DAY, DAY + 1)
        for endpoint in ("GET /a", "GET /b")
        for consumer in ("acme", "bob", "carol")
        for migration in ("news", "watchlist")
    ]
    await store.record(Batch("gw-1", 1, kept))

    order = [(row.migration, row.consumer) for row in await rows(store)]
    assert order == sorted(order)
    assert {row.migration for row in await rows(store, migration="news")} == {"news"}
    assert len(await rows(store, migration="news")) == 12
    assert len(await rows(store, since_day=DAY + 1)) == 12


async def test_totals_add_up_a_consumer(store: Store) -> None:
    await store.record(
        Batch(
            "gw-1",
            1,
            [
                usage(requests=5, failures=1),
                usage(day=DAY + 1, requests=2, endpoint="POST /api/favorites"),
                usage(requests=3, failures=2, side="successor"),
                usage(day=DAY + 2, requests=4, side=""),
                usage(requests=1, profile="{}"),
                usage(day=DAY - 1, requests=100),
                usage("bob", requests=50),
                usage("bob", requests=1, migration="news"),
            ],
        )
    )

    acme = Total(
        migration="watchlist",
        consumer="acme",
        legacy=8,
        successor=3,
        refused=4,
        legacy_failures=1,
        successor_failures=2,
        first=DAY * SECONDS + 60.0,
        last=(DAY + 2) * SECONDS + 3600.0,
        endpoints={"GET /api/favorites": 13, "POST /api/favorites": 2},
        days={DAY: 9, DAY + 1: 2, DAY + 2: 4},
    )
    found = await store.totals(DAY, "watchlist")
    assert [one.consumer for one in found] == ["bob", "acme"]
    assert found[1] == acme
    assert [(one.migration, one.consumer) for one in await store.totals(DAY)] == [
        ("watchlist", "bob"),
        ("watchlist", "acme"),
        ("news", "bob"),
    ]
    assert await store.totals(DAY + 3) == []
    assert await store.totals(DAY, of=[("watchlist", "acme"), ("news", "acme")]) == [acme]
    everybody = [("watchlist", "bob"), ("watchlist", "acme"), ("news", "bob")]
    assert await store.busiest(DAY, ["watchlist", "news"], 9) == (3, everybody)
    assert await store.busiest(DAY, ["watchlist"], 1) == (2, everybody[:1])
    assert await store.busiest(DAY + 3, ["watchlist"], 1) == (0, [])


async def test_forgotten_days_are_gone(store: Store) -> None:
    kept = [usage(day=day, failures=failures) for day, failures in enumerate((1, 1, 1, 0, 0), DAY)]
    spotless = [usage("carol", day=day) for day in range(DAY, DAY + 5)]
    await store.record(Batch("gw-1", 1, [*kept, *spotless, usage("bob", day=DAY)]))

    await store.forget(DAY + 2)
    await store.forget(DAY + 2)

    assert sorted_rows(await rows(store)) == [*kept[2:], *spotless[2:]]
    assert [dict(one.days) for one in await store.totals(0)] == [{DAY + 2: 1, DAY + 3: 1, DAY + 4: 1}] * 2
    await store.forget(DAY + 4)
    assert sorted_rows(await rows(store)) == [kept[4], spotless[4]]


async def test_what_comes_after_forgetting_is_added(store: Store) -> None:
    await store.record(Batch("gw-1", 1, [usage(day=day) for day in range(DAY, DAY + 5)]))
    await store.forget(DAY + 2)

    await store.record(Batch("gw-1", 2, [usage(day=DAY + 2), usage(day=DAY + 1)]))

    assert {row.day: row.requests for row in await rows(store)} == {DAY + 1: 1, DAY + 2: 2, DAY + 3: 1, DAY + 4: 1}


@pytest.mark.parametrize("days", [(0, DAY), (DAY, 0), (DAY + 300, DAY, DAY + 127, DAY + 128)])
async def test_days_may_come_in_any_order_and_lie_far_apart(store: Store, days: tuple[int, ...]) -> None:
    for number, day in enumerate(days):
        await store.record(Batch("gw-1", number + 1, [usage(day=day)]))

    assert sorted(row.day for row in await rows(store)) == sorted(days)
    (total,) = await store.totals(0)
    assert dict(total.days) == dict.fromkeys(days, 1)


async def test_two_gateways_on_one_store_lose_nothing(store: Store, store_url: str) -> None:
    other = open_store(store_url)
    for number in range(1, 6):
        await store.record(Batch("gw-1", number, [usage(requests=1)]))
        await other.record(Batch("gw-2", number, [usage(requests=10)]))

    assert await rows(store) == [usage(requests=55)]
    await other.close()
