"""Fractals, and the merging of bars that include each other."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.candles import Candle
from backends.domain.fractals import Bar, Fractal, fractals, merged


def _candles(*ranges: tuple[float, float]) -> list[Candle]:
    return [
        Candle(f"2026-01-{day:02}", low, high, low, high, 1, 1.0) for day, (low, high) in enumerate(ranges, start=1)
    ]


def test_a_peak_is_a_top_and_a_trough_a_bottom() -> None:
    found = fractals(_candles((1, 2), (2, 4), (1.5, 3), (1, 2.5), (2, 3)))
    assert found == [Fractal("2026-01-02", "top", 4), Fractal("2026-01-04", "bottom", 1)]


def test_an_included_bar_is_merged_upwards_while_prices_rise() -> None:
    bars = [Bar("a", 2, 1), Bar("b", 5, 2), Bar("c", 4, 3)]
    assert merged(bars) == [Bar("a", 2, 1), Bar("b", 5, 3)]


def test_an_included_bar_is_merged_downwards_while_prices_fall() -> None:
    bars = [Bar("a", 9, 8), Bar("b", 7, 3), Bar("c", 6, 4)]
    assert merged(bars) == [Bar("a", 9, 8), Bar("b", 6, 3)]


def test_too_few_bars_have_no_fractal() -> None:
    assert fractals([]) == fractals(_candles((1, 2), (2, 3))) == []


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), max_size=40))
def test_no_merged_bar_includes_the_next_and_tops_and_bottoms_are_never_adjacent_equals(
    ranges: list[tuple[int, int]],
) -> None:
    bars = [Bar(str(place), max(pair), min(pair)) for place, pair in enumerate(ranges)]
    for first, second in pairwise(merged(bars)):
        assert (first.high - second.high) * (first.low - second.low) > 0
    kinds = [fractal.kind for fractal in fractals(_candles(*[(min(pair), max(pair)) for pair in ranges[:28]]))]
    assert all(first != second for first, second in pairwise(kinds))
