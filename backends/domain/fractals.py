"""Chanlun: k-lines merged where one includes the other, and the top and bottom fractals among the rest. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backends.domain.candles import Candle


@dataclass(frozen=True, slots=True)
class Fractal:
    """`kind` is `top` (its high above both neighbours') or `bottom`; `price` is that high or low."""

    date: str
    kind: str
    price: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A k-line as far as fractals look at it."""

    date: str
    high: float
    low: float


def fractals(candles: Sequence[Candle]) -> list[Fractal]:
    """The fractals among the k-lines, oldest first."""
    return list(_fractals(merged([Bar(candle.date, candle.high, candle.low) for candle in candles])))


def merged(bars: Sequence[Bar]) -> list[Bar]:
    """No bar of the answer includes the next: on the way up the higher values stay, on the way down the lower."""
    kept: list[Bar] = []
    for bar in bars:
        if kept and _one_includes_the_other(kept[-1], bar):
            kept[-1] = _joined(kept[-1], bar, is_rising=_is_rising(kept))
        else:
            kept.append(bar)
    return kept


def _fractals(bars: Sequence[Bar]) -> Iterator[Fractal]:
    for before, bar, after in zip(bars, bars[1:], bars[2:], strict=False):
        if before.high < bar.high > after.high:
            yield Fractal(bar.date, "top", bar.high)
        elif before.low > bar.low < after.low:
            yield Fractal(bar.date, "bottom", bar.low)


def _one_includes_the_other(first: Bar, second: Bar) -> bool:
    return (first.high - second.high) * (first.low - second.low) <= 0


def _is_rising(bars: Sequence[Bar]) -> bool:
    return len(bars) < 2 or bars[-1].high > bars[-2].high


def _joined(first: Bar, second: Bar, *, is_rising: bool) -> Bar:
    choose = max if is_rising else min
    high, low = choose(first.high, second.high), choose(first.low, second.low)
    extreme = second if (second.high == high if is_rising else second.low == low) else first
    return replace(extreme, high=high, low=low)
