"""One leads, and never two: also when it stalls, is killed, or the store is away."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.lease import SILENCE_SECONDS, TRUST_SECONDS, Leadership, Sight, bid, look
from gateway.control.store.port import Lease, Store, StoreError
from tests.support.clock import FakeClock


class Shared:
    """A lease in memory, for the decisions; the drivers' own tests hold them to compare and set."""

    def __init__(self) -> None:
        self.now: Lease | None = None
        self.is_away = False

    async def lease(self, _name: str) -> Lease | None:
        if self.is_away:
            raise StoreError("away")
        return self.now

    async def swap_lease(self, _name: str, seen: Lease | None, wanted: Lease) -> bool:
        if self.is_away:
            raise StoreError("away")
        if self.now != seen:
            return False
        self.now = wanted
        return True


class Machine:
    """One gateway with a clock of its own."""

    def __init__(self, shared: Shared, name: str) -> None:
        self.clock = FakeClock()
        store: Store = shared  # type: ignore[assignment]
        self.leadership = Leadership(store, self.clock, name)

    async def attend(self) -> int | None:
        await self.leadership.attend()
        return self.leadership.fence


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Shared, Machine, Machine]]:
    shared = Shared()
    yield shared, Machine(shared, "one"), Machine(shared, "other")


async def test_the_first_one_leads_and_the_other_does_not(pair: tuple[Shared, Machine, Machine]) -> None:
    _, one, other = pair
    assert await one.attend() == 1
    assert await other.attend() is None


async def test_whoever_renews_goes_on_leading(pair: tuple[Shared, Machine, Machine]) -> None:
    _, one, other = pair
    for _ in range(20):
        assert await one.attend() == 1
        assert await other.attend() is None
        one.clock.advance(1.5)
        other.clock.advance(1.5)


async def test_a_dead_one_is_followed_within_ten_seconds(pair: tuple[Shared, Machine, Machine]) -> None:
    _, one, other = pair
    await one.attend()
    waited = 0.0
    while await other.attend() is None:
        other.clock.advance(1.5)
        waited += 1.5
    assert SILENCE_SECONDS <= waited <= 10
    assert other.leadership.fence == 2


async def test_one_that_stalls_stops_leading_before_another_begins(pair: tuple[Shared, Machine, Machine]) -> None:
    _, one, other = pair
    await one.attend()
    await other.attend()
    for machine in (one, other):
        machine.clock.advance(TRUST_SECONDS)
    assert one.leadership.fence is None
    assert await other.attend() is None
    other.clock.advance(SILENCE_SECONDS)
    assert await other.attend() == 2
    assert await one.attend() is None


async def test_while_the_store_is_away_nobody_takes_over(pair: tuple[Shared, Machine, Machine]) -> None:
    shared, one, other = pair
    await one.attend()
    await other.attend()
    shared.is_away = True
    for machine in (one, other):
        machine.clock.advance(60)
        with pytest.raises(StoreError):
            await machine.attend()
        assert machine.leadership.fence is None
    shared.is_away = False
    assert await one.attend() == 1
    assert await other.attend() is None


async def test_a_lease_that_is_given_back_is_taken_at_once(pair: tuple[Shared, Machine, Machine]) -> None:
    _, one, other = pair
    await one.attend()
    await one.leadership.close()
    await one.leadership.close()
    assert one.leadership.fence is None
    assert await other.attend() == 2


async def test_the_wall_clock_does_not_matter(pair: tuple[Shared, Machine, Machine]) -> None:
    _, one, other = pair
    await one.attend()
    other.clock.jump(4_000_000_000)
    assert await other.attend() is None
    one.clock.jump(0)
    assert await one.attend() == 1


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.floats(0, 3), st.booleans()), max_size=60))
async def test_two_never_lead_at_once(steps: list[tuple[int, float, bool]]) -> None:
    shared = Shared()
    machines = [Machine(shared, "one"), Machine(shared, "other")]
    fences: list[int] = []
    for who, seconds, attends in steps:
        for machine in machines:
            machine.clock.advance(seconds)
        if attends:
            await machines[who].leadership.attend()
        leading = [machine.leadership.fence for machine in machines if machine.leadership.fence is not None]
        assert len(leading) <= 1
        fences += leading
    assert fences == sorted(fences)


def test_only_a_beat_that_stands_still_runs_out() -> None:
    first, second = Lease("one", 1, 4), Lease("one", 1, 5)
    sight = look(look(None, first, 0.0), second, 4.9)
    assert bid(sight, "other", 9.8) is None
    assert bid(look(sight, second, 9.9), "other", 9.9) == Lease("other", 2, 0)
    assert look(sight, second, 9.9) == Sight(second, 4.9)
