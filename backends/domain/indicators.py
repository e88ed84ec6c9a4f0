"""Figures over a row of closes, oldest first. Pure mathematics; rounding is the caller's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

TRADING_DAYS = 252
"""Days a year over which volatility is annualised."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A straight line through the closes: `slope` a day, and `fit` as R² from 0 to 1."""

    slope: float
    intercept: float
    fit: float


def moving_average(closes: Sequence[float], days: int) -> float:
    """The mean of the last closes; of all of them, if there are fewer."""
    return fmean(closes[-days:])


def exponential_average(closes: Sequence[float], days: int) -> float:
    """The exponentially weighted mean with a smoothing of 2 / (days + 1), begun at the first close."""
    weight = 2 / (days + 1)
    average = closes[0]
    for close in closes[1:]:
        average += weight * (close - average)
    return average


def macd(closes: Sequence[float]) -> float:
    """The 12-day exponential average less the 26-day one."""
    return exponential_average(closes, 12) - exponential_average(closes, 26)


def relative_strength(closes: Sequence[float], days: int = 14) -> float:
    """Wilder's RSI from 0 to 100; 50 where nothing moved."""
    changes = [later - earlier for earlier, later in pairwise(closes)]
    if not changes:
        return 50.0
    gain = _wilder([max(change, 0.0) for change in changes], days)
    loss = _wilder([max(-change, 0.0) for change in changes], days)
    return 50.0 if gain + loss == 0 else 100 * (gain / (gain + loss))


def volatility(closes: Sequence[float]) -> float:
    """The annualised standard deviation of the daily log returns, in percent; 0 for fewer than three closes."""
    returns = [math.log(later / earlier) for earlier, later in pairwise(closes)]
    return stdev(returns) * math.sqrt(TRADING_DAYS) * 100 if len(returns) > 1 else 0.0


def return_percent(closes: Sequence[float]) -> float:
    """From the first close to the last, in percent."""
    return (closes[-1] / closes[0] - 1) * 100


def regression(closes: Sequence[float]) -> Regression:
    """Least squares over the closes against their places 0, 1, 2, …"""
    places = range(len(closes))
    middle, mean = fmean(places), fmean(closes)
    spread = math.fsum((place - middle) ** 2 for place in places)
    total = math.fsum((close - mean) ** 2 for close in closes)
    if spread == 0 or total == 0:
        return Regression(0.0, mean, 0.0)
    shared = math.fsum((place - middle) * (close - mean) for place, close in zip(places, closes, strict=True))
    slope = shared / spread
    return Regression(slope, mean - slope * middle, min(1.0, shared**2 / (spread * total)))


def _wilder(values: Sequence[float], days: int) -> float:
    """Wilder's smoothing: a plain mean first, then each new value weighs 1 / days."""
    average = fmean(values[:days])
    for value in values[days:]:
        average += (value - average) / days
    return average
