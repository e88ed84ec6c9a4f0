"""The election over real stores: what a lease in memory could not get wrong."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.control.lease import BEAT_SECONDS, SILENCE_SECONDS, TRUST_SECONDS, Leadership
from gateway.control.store.opening import open_store
from tests.support.clock import FakeClock

type Candidate = tuple[FakeClock, Leadership]


@pytest.fixture
async def candidates(store_url: str) -> AsyncIterator[list[Candidate]]:
    """Three gateways, each with a connection and clocks of its own, hours apart."""
    stores = [open_store(store_url) for _ in range(3)]
    clocks = [FakeClock(1_800_000_000.0 + 7200 * number) for number in range(3)]
    yield [
        (clock, Leadership(store, clock, f"gw-{n}"))
        for n, (clock, store) in enumerate(zip(clocks, stores, strict=True))
    ]
    for store in stores:
        await store.close()


def fences(candidates: list[Candidate]) -> list[int | None]:
    return [leadership.fence for _, leadership in candidates]


async def test_of_three_that_begin_at_once_one_leads(candidates: list[Candidate]) -> None:
    await asyncio.gather(*(leadership.attend() for _, leadership in candidates))

    assert sorted(fences(candidates), key=str) == [1, None, None]


async def test_a_killed_leader_is_followed_once_within_ten_seconds(candidates: list[Candidate]) -> None:
    first, *others = candidates
    await first[1].attend()
    waited = 0.0
    while not any(fences(others)):
        for _, leadership in others:
            await leadership.attend()
        waited += BEAT_SECONDS
        for clock, _ in candidates:
            clock.advance(BEAT_SECONDS)

    assert SILENCE_SECONDS < waited < 10
    assert sorted(fences(others), key=str) == [2, None]
    assert TRUST_SECONDS < SILENCE_SECONDS
    assert fences([first]) == [None]


async def test_a_lease_that_is_given_back_goes_to_one_of_the_others_at_once(candidates: list[Candidate]) -> None:
    first, *others = candidates
    await first[1].attend()
    await first[1].close()

    await asyncio.gather(*(leadership.attend() for _, leadership in others))

    assert sorted(fences(others), key=str) == [2, None]
