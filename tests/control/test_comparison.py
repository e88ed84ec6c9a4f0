"""Both sides over the same endpoints."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.comparison import compare
from gateway.control.figures import Tally
from gateway.control.statistic import quantile
from tests.support.figures import tally

SIDES = st.dictionaries(
    st.sampled_from(["GET /a", "GET /b", "GET /c"]),
    st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda pair: tally(max(pair), min(pair))),
)


def test_one_endpoint_s_gap_is_the_difference_of_its_rates() -> None:
    found = compare({"GET /a": tally(1000, 5)}, {"GET /a": tally(200, 10)})

    assert found.gap == pytest.approx(4.5)
    assert found.expected == pytest.approx(15 * 200 / 1200)


def test_another_mix_of_calls_is_no_gap() -> None:
    legacy = {"GET /fragile": tally(100, 10), "GET /solid": tally(10_000, 10)}
    successor = {"GET /fragile": tally(1000, 100), "GET /solid": tally(100, 0)}
    found = compare(legacy, successor)

    assert abs(found.gap) < 0.2
    assert not found.is_worse


def test_another_mix_of_calls_does_not_hide_a_gap() -> None:
    legacy = {"GET /fragile": tally(5000, 500), "GET /solid": tally(5000, 5)}
    successor = {"GET /fragile": tally(100, 10), "GET /solid": tally(2000, 80)}
    found = compare(legacy, successor)

    assert found.gap > 2
    assert found.is_worse


def test_endpoints_that_one_side_never_served_are_left_out() -> None:
    found = compare({"GET /a": tally(500), "GET /b": tally(500)}, {"GET /a": tally(300), "GET /new": tally(100, 100)})

    assert found.successor == tally(300)
    assert found.legacy == tally(500)
    assert found.gap == 0


def test_sides_without_a_common_endpoint_do_not_differ() -> None:
    found = compare({"GET /a": tally(500)}, {"GET /b": tally(500, 500)})

    assert (found.gap, found.expected, found.is_worse, found.successor_samples) == (0, 0, False, 0)


@pytest.mark.parametrize(
    ("legacy", "successor", "is_worse"),
    [
        (tally(20_000, 100), tally(200, 4), False),  # three times what is expected, once in 50 looks
        (tally(20_000, 100), tally(200, 6), False),
        (tally(20_000, 100), tally(200, 12), True),
        (tally(200, 0), tally(200, 10), False),
        (tally(200, 0), tally(200, 25), True),
        (tally(5000, 1500), tally(5000, 1550), False),
        (tally(5000, 1500), tally(5000, 2000), True),
        (tally(100_000), tally(100_000), False),
    ],
)
def test_more_failures_than_chance_gives_are_worse(legacy: Tally, successor: Tally, is_worse: bool) -> None:
    assert compare({"GET /": legacy}, {"GET /": successor}).is_worse is is_worse


@given(SIDES, SIDES)
def test_a_comparison_of_whatever_there_is_stays_within_its_bounds(
    legacy: dict[str, Tally], successor: dict[str, Tally]
) -> None:
    found = compare(legacy, successor)

    assert -100 <= found.gap <= 100
    assert 0 <= found.expected <= found.successor.failures + found.legacy.failures + 1e-6
    assert math.isclose(sum(found.successor_latencies), found.successor_samples, abs_tol=1e-6)
    assert found.successor_samples <= found.successor.requests * (1 + 1e-9)


@given(SIDES)
def test_a_side_is_never_worse_than_itself(side: dict[str, Tally]) -> None:
    found = compare(side, side)

    assert found.gap == pytest.approx(0)
    assert not found.is_worse


def test_latencies_weigh_alike_on_both_sides() -> None:
    legacy = {"GET /slow": tally(10, seconds=2), "GET /fast": tally(10_000, seconds=0.01)}
    successor = {"GET /slow": tally(1000, seconds=2), "GET /fast": tally(10, seconds=0.01)}
    found = compare(legacy, successor)

    assert quantile(found.successor_latencies, 0.95) == pytest.approx(quantile(found.legacy_latencies, 0.95))
