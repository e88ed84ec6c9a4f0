"""Whether a consumer has reacted to the headers."""

from math import inf

import pytest

from gateway.control.trend import DAY_SECONDS, Course, Span, trend

TURN = 20_800
"""The day on which the headers begin."""


def course(days: dict[int, int], since_turn: float, oldest: int = 0) -> Course:
    """Judge requests by day (0 is the turn), so many days after it."""
    span = Span(TURN, (TURN + since_turn) * DAY_SECONDS, oldest)
    return trend({TURN + day: count for day, count in days.items()}, span).course


def steady(count: int, since: int, until: int) -> dict[int, int]:
    return dict.fromkeys(range(since, until), count)


@pytest.mark.parametrize(
    ("days", "since_turn", "expected"),
    [
        (steady(100, -14, 0), -0.5, Course.UNWARNED),
        (steady(100, -14, 8), 7.9, Course.NOT_YET),
        (steady(100, -14, 0), 7.9, Course.REACTED),
        (steady(100, -14, 5), 20.0, Course.REACTED),
        (steady(100, -14, 0) | steady(19, 0, 30), 29.99, Course.REACTED),
        (steady(100, -14, 0) | steady(30, 0, 30), 29.99, Course.NOT_YET),
        (steady(100, -14, 0) | steady(115, 0, 30), 29.99, Course.NOT_YET),
        (steady(100, -14, 0) | steady(150, 0, 30), 29.99, Course.GROWING),
        (steady(100, 3, 30), 29.99, Course.NEW),
        (steady(100, -30, -14), 10.0, Course.NEW),
        ({}, 10.0, Course.NEW),
        # Who began in the middle of the time before is measured from then on.
        (steady(100, -2, 30), 29.99, Course.NOT_YET),
        # The first day is not over yet.
        (steady(100, -14, 0) | {0: 50}, 0.5, Course.NOT_YET),
    ],
)
def test_the_last_week_is_held_against_the_fortnight_before_the_headers(
    days: dict[int, int], since_turn: float, expected: Course
) -> None:
    assert course(days, since_turn) is expected


def test_a_ledger_that_does_not_reach_back_knows_nothing() -> None:
    assert course(steady(100, 20, 30), 29.0, oldest=TURN + 5) is Course.UNKNOWN


def test_without_a_date_nobody_is_warned() -> None:
    assert trend({TURN: 5}, Span(inf, TURN * DAY_SECONDS)).course is Course.UNWARNED


def test_the_figures_are_requests_a_day() -> None:
    days = steady(100, -14, 0) | steady(40, 0, 10)
    found = trend({TURN + day: count for day, count in days.items()}, Span(TURN, (TURN + 10) * DAY_SECONDS))
    assert (found.before, round(found.recent, 6)) == (100.0, 40.0)
