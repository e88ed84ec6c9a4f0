"""Events: numbered without gaps, kept once, read in order."""

import asyncio

import pytest

from gateway.control.event import Event, Verb
from gateway.control.store.opening import open_store
from gateway.control.store.port import Store, TakenError
from tests.control.store.nouns import event


async def test_an_event_comes_back_as_it_was(store: Store) -> None:
    kept = event(1, verb=Verb.ADVANCE, who="controller:gw-1", fence=7)
    await store.append(kept)

    assert await store.events() == [kept]


async def test_an_empty_store_has_no_events(store: Store) -> None:
    assert await store.events() == []
    assert await store.history(None, None, 10) == []


async def test_events_come_oldest_first_after_a_number(store: Store) -> None:
    for number in range(1, 6):
        await store.append(event(number))

    assert [one.number for one in await store.events(after=2)] == [3, 4, 5]
    assert [one.number for one in await store.events(after=1, limit=2)] == [2, 3]
    assert await store.events(after=5) == []
    assert await store.events(limit=0) == []


@pytest.mark.parametrize(
    ("migration", "before", "limit", "expected"),
    [
        (None, None, 10, [5, 4, 3, 2, 1]),
        (None, None, 2, [5, 4]),
        (None, 4, 2, [3, 2]),
        ("news", None, 10, [4, 2]),
        ("news", 4, 10, [2]),
        ("news", 2, 10, []),
        ("auth", None, 10, []),
    ],
)
async def test_history_comes_newest_first_page_by_page(
    store: Store, migration: str | None, before: int | None, limit: int, expected: list[int]
) -> None:
    for number in range(1, 6):
        await store.append(event(number, "watchlist" if number % 2 else "news"))

    assert [one.number for one in await store.history(migration, before, limit)] == expected


async def test_the_same_event_again_is_no_error_and_no_second_event(store: Store) -> None:
    await store.append(event(1))
    await store.append(event(2))

    await store.append(event(1))
    await store.append(event(2))

    assert [one.number for one in await store.events()] == [1, 2]


@pytest.mark.parametrize(
    "refused",
    [event(0), event(1, why="another"), event(2, why="another"), event(2, after={}), event(4), event(-1)],
    ids=["zero", "an old number", "the last number", "another outcome", "a gap", "below zero"],
)
async def test_an_event_that_is_not_the_next_is_refused(store: Store, refused: Event) -> None:
    await store.append(event(1))
    await store.append(event(2))

    with pytest.raises(TakenError):
        await store.append(refused)

    assert await store.events() == [event(1), event(2)]


async def test_of_two_who_want_the_same_number_one_gets_it(store_url: str) -> None:
    first, second = open_store(store_url), open_store(store_url)
    await asyncio.gather(first.open(), second.open())
    for number in range(1, 11):
        outcomes = await asyncio.gather(
            first.append(event(number, who="operator:one")),
            second.append(event(number, who="operator:two")),
            return_exceptions=True,
        )
        assert sorted(type(outcome) for outcome in outcomes if outcome) == [TakenError]

    assert [one.number for one in await first.events()] == list(range(1, 11))
    assert await first.events() == await second.events()
    await first.close()
    await second.close()


async def test_what_was_appended_is_there_for_the_next_process(store: Store, store_url: str) -> None:
    await store.append(event(1))
    await store.close()
    later = open_store(store_url)

    assert await later.events() == [event(1)]
    await later.close()
