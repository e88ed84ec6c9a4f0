"""Limiting by share: never without limit, never an outage, and never what others may have granted already."""

import math
import random
from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.callers.shared_quota.counter import SETTLE_SECONDS
from gateway.callers.shared_quota.known import Known
from gateway.callers.shared_quota.local import LocalShare
from gateway.policy.quota import Charge, QuotaTable

from .conftest import charge

NOW = 1_000.0
SKEW = 1.1
"""Seconds within which all processes have come back."""


def alone(share: float, used: float | None = None, one: Charge | None = None) -> tuple[LocalShare, Charge]:
    """A process that knows (or does not know) which part of the quota is used."""
    one = one if one is not None else charge(40, window=40.0)
    known = Known()
    if used is not None:
        known.learn(one, NOW + used * one.quota.window, NOW)
    local = LocalShare(known)
    local.share = share
    return local, one


def burst(local: LocalShare, one: Charge, now: float = NOW) -> int:
    return sum(local.count([one], now).is_allowed for _ in range(100))


def test_what_is_left_of_the_quota_is_granted_by_share() -> None:
    assert [burst(*alone(0.25, used)) for used in (0.5, 0.75, 1.0)] == [5, 2, 0]


def test_who_was_never_seen_has_half_of_the_share_at_once() -> None:
    assert [burst(*alone(0.25)), burst(*alone(0.25, used=0.1))] == [5, 5]


def test_it_refills_at_the_shares_rate() -> None:
    local, one = alone(0.25, used=1.0)
    assert [burst(local, one, NOW + second) for second in (3.9, 4.0, 7.9, 8.1)] == [0, 1, 0, 1]


def test_a_share_of_less_than_a_request_still_grants_one_now_and_then() -> None:
    local, one = alone(0.25, one=charge(1, window=10.0))
    assert [burst(local, one, NOW + second) for second in (0, 39, 41)] == [1, 0, 1]


def test_what_it_says_of_waiting_is_true() -> None:
    local, one = alone(0.25, used=1.0)
    told = local.count([one], NOW)
    assert told.retry_after == 4
    assert local.count([one], NOW + told.retry_after).is_allowed


def test_a_second_time_without_redis_goes_on_from_the_first() -> None:
    local, one = alone(0.25)
    burst(local, one)
    assert burst(local, one, NOW + 1.0) == 0


def test_none_is_counted_when_one_is_used_up() -> None:
    local, one = alone(1.0, used=1.0)
    wide = charge(100, window=40.0, name="wide")
    assert not local.count([one, wide], NOW).is_allowed
    assert burst(local, wide) == 50


class Site:
    """Processes whose Redis counts exactly, goes away, and comes back with or without what it held; times from 0."""

    def __init__(self, one: Charge, processes: int, chance: random.Random, away: tuple[float, float]) -> None:
        self.grants: list[float] = []
        self._one = one
        self._redis = QuotaTable()
        self._known = [Known() for _ in range(processes)]
        self._local = [LocalShare(known) for known in self._known]
        self._left, end = away
        back = [end + chance.uniform(0, SKEW) for _ in range(processes)]
        self._events = sorted(
            [(moment, number) for number, moment in enumerate(back)]
            + [(moment + SETTLE_SECONDS, number) for number, moment in enumerate(back)]
        )
        self._stage = [0] * processes
        for local in self._local:
            local.share = 1 / processes

    def empty(self) -> None:
        """Lose what Redis held."""
        self._redis = QuotaTable()

    def request(self, process: int, moment: float) -> None:
        """Have a process decide on a request."""
        while self._events and self._events[0][0] <= moment:
            _, number = self._events.pop(0)
            self._stage[number] += 1
            self._remind(number, moment)
        is_shared = moment < self._left or self._stage[process] == 2
        is_granted = is_shared or self._local[process].count([self._one], NOW + moment).is_allowed
        if is_granted and (is_shared or self._stage[process] == 1):
            is_granted = self._ask(process, NOW + moment)
        if is_granted:
            self.grants.append(moment)

    def _ask(self, process: int, now: float) -> bool:
        verdict = self._redis.count([self._one], now)
        self._known[process].learn(self._one, self._held(now) + (self._redis._origin or 0.0), now)
        return verdict.is_allowed

    def _remind(self, process: int, moment: float) -> None:
        now = NOW + moment
        self._redis.count([charge(10**9, name=self._one.quota.name, key="other")], now)  # so that its table is there
        origin = self._redis._origin or 0.0
        for *_, arrival in [*self._known[process].owing(now), *self._local[process].all_spent(now)]:
            held = max(self._held(now), arrival - origin)
            self._redis._tables[self._one.quota.name].put(self._one.key, held, now - origin)

    def _held(self, now: float) -> float:
        return self._redis._tables[self._one.quota.name].times.get(self._one.key, 0.0)


def _played(
    one: Charge, processes: int, away: float, offered: float, seed: int, *, is_emptied: bool, is_skewed: bool
) -> list[float]:
    """Return the grants of a caller whose Redis is away from the third window on, for `away` windows."""
    quota, window = one.quota.quota, one.quota.window
    chance, moment = random.Random(seed), 0.0
    gone, back = window * 2, window * (2 + away)
    site = Site(one, processes, chance, (gone, back))
    while moment < back + 2 * window + 4 and len(site.grants) < 1_000:
        before, moment = moment, moment + chance.expovariate(offered * quota / window)
        if before < back <= moment and is_emptied:
            site.empty()
        # One process before Redis went and the others after it: the worst that a client can choose.
        first = min(1, processes - 1) if is_skewed and moment >= gone else 0
        chosen = 0 if is_skewed and moment < gone else chance.randrange(first, processes)
        site.request(chosen, moment)
    return site.grants


def _most_in(grants: list[float], window: float, begin: float, end: float) -> int:
    """Return the most grants of any window that lies between two moments."""
    inside = [moment for moment in grants if begin <= moment <= end]
    return max((bisect_left(inside, moment + window) - at for at, moment in enumerate(inside)), default=0)


@pytest.mark.parametrize("is_emptied", [False, True])
@pytest.mark.parametrize("is_skewed", [False, True])
@pytest.mark.parametrize("processes", [1, 4])
def test_who_always_asks_for_more_gets_two_quotas_at_the_start_and_never_more_than_one_and_a_half_again(
    processes: int, is_skewed: bool, is_emptied: bool
) -> None:
    quota, window = 60, 10.0
    for away in (0.2, 1.0, 3.0):
        grants = _played(
            charge(quota, window=window), processes, away, 5.0, 1, is_emptied=is_emptied, is_skewed=is_skewed
        )
        # The quota that was free, and what refills in the window.
        assert quota < _most_in(grants, window, 0, 2 * window) <= 2 * quota
        assert _most_in(grants, window, window, 2 * window) <= quota + 1
        assert _most_in(grants, window, window, math.inf) <= 1.5 * quota


@settings(max_examples=150, deadline=None)
@given(
    processes=st.integers(1, 6),
    quota=st.integers(1, 60),
    window=st.floats(0.5, 60),
    is_emptied=st.booleans(),
    offered=st.sampled_from([0.3, 1.0, 5.0]),
    skewed=st.booleans(),
    away=st.floats(0.1, 4),
    seed=st.integers(0, 10**9),
)
def test_no_window_is_granted_more_than_half_a_quota_too_much(
    processes: int, quota: int, window: float, is_emptied: bool, offered: float, skewed: bool, away: float, seed: int
) -> None:
    grants = _played(
        charge(quota, window=window), processes, away, offered, seed, is_emptied=is_emptied, is_skewed=skewed
    )
    # How many more than the steady rate were granted, since the moment from which most were.
    excess = [number - moment * quota / window for number, moment in enumerate(grants, start=1)]
    least = list(accumulate(excess, min))
    assert (
        max((now - before for now, before in zip(excess, least, strict=True)), default=0)
        <= quota - 1 + max(quota / 2, processes) + 1
    )
