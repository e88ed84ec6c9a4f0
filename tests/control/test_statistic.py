"""Tails and quantiles, beside what they are by definition."""

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.control.figures import BUCKETS
from gateway.control.statistic import EDGES, certainly_over, exceeds, quantile, tail, upper_share
from gateway.observability.histogram import BOUNDS, Histogram


def defined(trials: int, chance: float, least: int) -> float:
    # In whole numbers, as the powers of a small chance lose their digits as floats long before they are nothing.
    part, whole = chance.as_integer_ratio()
    ways = [math.comb(trials, k) * part**k * (whole - part) ** (trials - k) for k in range(least, trials + 1)]
    return float(sum(ways) / whole**trials)


@example(231, 0.03125, 213)
@given(st.integers(1, 300), st.floats(0.001, 0.9), st.integers(0, 300))
def test_the_tail_is_the_sum_that_defines_it(trials: int, chance: float, least: int) -> None:
    if least > trials * chance:
        assert tail(trials, chance, least) == pytest.approx(defined(trials, chance, least), rel=1e-6, abs=1e-300)
    else:
        assert tail(trials, chance, least) == 1


def test_a_tail_of_many_requests_is_found_at_once() -> None:
    assert 0 < tail(10**9, 0.02, 20_020_000) < 1e-4
    assert tail(10**9, 0.02, 10**9) == 0


@pytest.mark.parametrize(
    ("failures", "requests", "is_proof"),
    [(1, 30, False), (0, 0, False), (2, 50, False), (5, 200, False), (10, 200, False), (17, 200, True), (30, 50, True)],
)
def test_a_few_failures_are_no_proof_of_more_than_two_percent(failures: int, requests: int, is_proof: bool) -> None:
    assert exceeds(failures, requests, 0.02) is is_proof


@given(st.lists(st.floats(0, 40), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(seconds: list[float], share: float) -> None:
    histogram = Histogram()
    for one in seconds:
        histogram.observe(one)
    true = sorted(seconds)[math.ceil(share * len(seconds) - 1e-9) - 1]
    found = quantile(histogram.counts, share)

    bucket = next((at for at, bound in enumerate(BOUNDS) if true <= bound), BUCKETS - 1)
    assert EDGES[bucket] <= found <= EDGES[bucket + 1]


def test_without_durations_a_quantile_is_the_last_bound() -> None:
    assert quantile([0] * BUCKETS, 0.95) == BOUNDS[-1]


@given(st.lists(st.floats(0, 40), max_size=100), st.floats(0.0001, 50))
def test_what_certainly_took_longer_did(seconds: list[float], limit: float) -> None:
    histogram = Histogram()
    for one in seconds:
        histogram.observe(one)

    assert certainly_over(histogram.counts, limit) <= sum(one > limit for one in seconds)


@pytest.mark.parametrize("limit", BOUNDS)
def test_at_a_bucket_s_bound_all_that_took_longer_are_known(limit: float) -> None:
    histogram = Histogram()
    for one in (limit * 0.9, limit, limit * 1.1, limit * 3):
        histogram.observe(one)

    assert certainly_over(histogram.counts, limit) == 2


def test_the_upper_bound_of_a_quantile_is_one() -> None:
    chance = random.Random(5)
    beyond = 0
    for _ in range(300):
        sample = sorted(chance.random() for _ in range(400))
        beyond += sample[math.ceil(upper_share(0.95, 400) * 400) - 1] >= 0.95

    assert beyond >= 298
    assert upper_share(0.95, 0) == 1
