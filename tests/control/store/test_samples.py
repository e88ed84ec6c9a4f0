"""Samples of shadow traffic: the newest of each migration."""

from gateway.control.store.port import Store
from tests.control.store.nouns import sample


async def test_samples_come_back_newest_first(store: Store) -> None:
    kept = [sample(1.5), sample(3.5), sample(2.5)]
    await store.keep_samples([*kept, sample(9.0, "news")], 10)

    assert await store.samples("watchlist", 10) == [kept[1], kept[2], kept[0]]
    assert await store.samples("watchlist", 2) == [kept[1], kept[2]]
    assert await store.samples("news", 10) == [sample(9.0, "news")]
    assert await store.samples("auth", 10) == []


async def test_only_so_many_of_a_migration_are_kept(store: Store) -> None:
    for number in range(8):
        await store.keep_samples([sample(float(number)), sample(float(number), "news")], 3)

    assert [one.at for one in await store.samples("watchlist", 100)] == [7.0, 6.0, 5.0]
    assert [one.at for one in await store.samples("news", 100)] == [7.0, 6.0, 5.0]


async def test_a_sample_is_kept_once_and_an_old_one_does_not_come_back(store: Store) -> None:
    for _ in range(2):
        await store.keep_samples([sample(1.0), sample(2.0), sample(3.0)], 2)

    assert [one.at for one in await store.samples("watchlist", 100)] == [3.0, 2.0]
