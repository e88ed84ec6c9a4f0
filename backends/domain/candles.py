"""K-lines: made up from a seed, and gathered into weeks. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from backends.domain.listings import Listing

DAILY_DEVIATION = 0.016
"""Standard deviation of a day's return: about a quarter a year."""
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Candle:
    """One k-line; `date` is `YYYY-MM-DD` (of a week: its last trading day), `turnover` is in the stock's currency."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: int
    turnover: float


def trading_days(before: date, count: int) -> list[date]:
    """The last weekdays before that date, oldest first."""
    days: list[date] = []
    day = before
    while len(days) < count:
        day -= timedelta(days=1)
        if day.weekday() < _SATURDAY:
            days.append(day)
    return days[::-1]


def made_up(seed: int, listing: Listing, days: Sequence[date]) -> list[Candle]:
    """A stock's k-lines: the same for the same seed, stock and number of days, in every process."""
    dice = random.Random(f"candles:{seed}:{listing.symbol}")
    trend = dice.uniform(-0.0006, 0.0010)
    usual_volume = listing.shares_millions * 1_000_000 * dice.uniform(0.002, 0.008)
    close = listing.price
    candles = []
    for day in days:
        candle = _next(dice, day, close, trend, usual_volume)
        candles.append(candle)
        close = candle.close
    return candles


def weekly(candles: Sequence[Candle]) -> list[Candle]:
    """One k-line a calendar week (ISO 8601, from Monday)."""
    weeks = groupby(candles, key=lambda candle: date.fromisoformat(candle.date).isocalendar()[:2])
    return [_gathered(list(week)) for _, week in weeks]


def _next(dice: random.Random, day: date, previous: float, trend: float, usual_volume: float) -> Candle:
    opened = previous * (1 + dice.gauss(0, DAILY_DEVIATION / 4))
    closed = previous * (1 + dice.gauss(trend, DAILY_DEVIATION))
    high = max(opened, closed) * (1 + abs(dice.gauss(0, DAILY_DEVIATION / 3)))
    low = min(opened, closed) * (1 - abs(dice.gauss(0, DAILY_DEVIATION / 3)))
    volume = int(usual_volume * dice.uniform(0.5, 1.8))
    return Candle(
        date=day.isoformat(),
        open=_price(opened),
        high=_price(high),
        low=_price(low),
        close=_price(closed),
        volume=volume,
        turnover=round(volume * (opened + closed) / 2, 2),
    )


def _price(value: float) -> float:
    return max(0.01, round(value, 2))


def _gathered(week: Sequence[Candle]) -> Candle:
    return Candle(
        date=week[-1].date,
        open=week[0].open,
        high=max(candle.high for candle in week),
        low=min(candle.low for candle in week),
        close=week[-1].close,
        volume=sum(candle.volume for candle in week),
        turnover=round(sum(candle.turnover for candle in week), 2),
    )
