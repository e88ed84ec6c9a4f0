"""Indicators: known values, and what holds for any closes."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backends.domain import indicators as maths
from backends.domain.judgement import Indicators, judge, measured

prices = st.floats(0.01, 10_000, allow_nan=False, allow_infinity=False)
closes = st.lists(prices, min_size=2, max_size=80)
near = pytest.approx


def test_known_values() -> None:
    rising = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert maths.moving_average(rising, 2) == 4.5
    assert maths.exponential_average([1.0, 2.0], 3) == 1.5
    assert maths.return_percent([80.0, 100.0]) == 25.0
    assert maths.relative_strength(rising) == 100.0
    assert maths.relative_strength(rising[::-1]) == 0.0
    assert maths.relative_strength([1.0, 2.0, 1.0]) == 50.0
    assert maths.relative_strength([3.0, 3.0]) == 50.0
    assert maths.volatility([100.0, 110.0, 121.0]) == near(0, abs=1e-9)
    assert maths.volatility([100.0, 110.0, 100.0]) == near(math.log(1.1) * math.sqrt(2) * math.sqrt(252) * 100)


def test_relative_strength_smooths_as_wilder_did() -> None:
    # Two days' mean of 1, 0 is 0.5; then (0.5 + 2) / 2 = 1.25 of gain against (0.5 + 0) / 2 = 0.25 of loss.
    assert maths.relative_strength([10.0, 11.0, 10.0, 12.0], 2) == near(100 * 1.25 / 1.5)


def test_a_straight_line_fits_itself() -> None:
    line = maths.regression([5.0, 7.0, 9.0, 11.0])
    assert (line.slope, line.intercept, line.fit) == (near(2), near(5), near(1))


def test_a_flat_row_has_no_slope_and_a_single_close_no_line() -> None:
    assert maths.regression([3.0, 3.0, 3.0]) == maths.Regression(0.0, 3.0, 0.0)
    assert maths.regression([3.0]) == maths.Regression(0.0, 3.0, 0.0)


@given(closes)
def test_averages_lie_between_the_extremes(row: list[float]) -> None:
    for average in (maths.moving_average(row, 5), maths.exponential_average(row, 12)):
        assert min(row) * (1 - 1e-9) <= average <= max(row) * (1 + 1e-9)


@given(closes)
@example([1.0, 12.04])  # a gain of which a hundredfold, divided by itself, is more than a hundred
def test_strength_volatility_and_fit_keep_their_ranges(row: list[float]) -> None:
    assert 0 <= maths.relative_strength(row) <= 100
    assert maths.volatility(row) >= 0
    assert 0 <= maths.regression(row).fit <= 1


@given(closes, st.floats(0.1, 50))
def test_a_change_of_currency_changes_no_relative_figure(row: list[float], factor: float) -> None:
    scaled = [factor * close for close in row]
    assert maths.relative_strength(scaled) == near(maths.relative_strength(row), rel=1e-6, abs=1e-6)
    assert maths.return_percent(scaled) == near(maths.return_percent(row), rel=1e-6, abs=1e-6)
    assert maths.macd(scaled) == near(factor * maths.macd(row), rel=1e-6, abs=1e-6)


@given(closes, st.sampled_from(["technical", "momentum", "volatility"]))
def test_every_analysis_ends_in_a_recommendation(row: list[float], analysis_type: str) -> None:
    judgement = judge(analysis_type, measured(row))
    assert judgement.recommendation in {"buy", "hold", "sell"}
    assert 0.5 <= judgement.confidence <= 1


@pytest.mark.parametrize(
    ("analysis_type", "figures", "recommendation"),
    [
        ("momentum", Indicators(10, 10, 50, 0, 20, 30), "buy"),
        ("momentum", Indicators(10, 10, 50, 0, 20, -30), "sell"),
        ("momentum", Indicators(10, 10, 50, 0, 20, 0), "hold"),
        ("volatility", Indicators(10, 10, 50, 0, 90, 0), "sell"),
        ("technical", Indicators(11, 10, 50, 1, 20, 5), "buy"),
    ],
)
def test_strong_signals_decide(analysis_type: str, figures: Indicators, recommendation: str) -> None:
    assert judge(analysis_type, figures).recommendation == recommendation
