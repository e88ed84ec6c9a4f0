"""K-lines made up from a seed, and weeks of them."""

from datetime import date

from backends.domain.candles import Candle, made_up, trading_days, weekly
from backends.domain.listings import LISTINGS

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


def test_trading_days_are_the_weekdays_before_a_date() -> None:
    assert trading_days(MONDAY, 1) == [FRIDAY]
    days = trading_days(MONDAY, 260)
    assert len(days) == 260
    assert days == sorted(days)
    assert all(day.weekday() < 5 for day in days)


def test_the_same_seed_makes_the_same_candles_and_another_others() -> None:
    days = trading_days(MONDAY, 10)
    assert made_up(7, LISTINGS[0], days) == made_up(7, LISTINGS[0], days)
    assert made_up(7, LISTINGS[0], days) != made_up(8, LISTINGS[0], days)


def test_every_candle_is_possible() -> None:
    days = trading_days(MONDAY, 260)
    for listing in LISTINGS:
        for candle in made_up(7, listing, days):
            assert 0 < candle.low <= min(candle.open, candle.close)
            assert candle.high >= max(candle.open, candle.close)
            assert candle.volume > 0


def test_there_are_fifty_stocks_each_once() -> None:
    assert len({listing.symbol for listing in LISTINGS}) == len(LISTINGS) == 50


def test_a_week_spans_its_days() -> None:
    days = [
        Candle("2026-11-19", 10, 12, 9, 11, 100, 1000.0),
        Candle("2026-11-20", 11, 15, 10, 14, 200, 2000.0),
        Candle("2026-11-23", 14, 16, 8, 9, 300, 3000.0),
    ]
    assert weekly(days) == [
        Candle("2026-11-20", 10, 15, 9, 14, 300, 3000.0),
        Candle("2026-11-23", 14, 16, 8, 9, 300, 3000.0),
    ]


def test_a_week_across_new_year_is_one_week() -> None:
    days = [Candle("2025-12-31", 1, 1, 1, 1, 1, 1.0), Candle("2026-01-02", 1, 1, 1, 1, 1, 1.0)]
    assert len(weekly(days)) == 1
