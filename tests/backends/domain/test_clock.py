"""Times as text."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.clock import SystemClock, from_unix, iso, iso_after, parse_iso

moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_times_are_utc_with_milliseconds_and_z() -> None:
    moment = datetime(2026, 11, 22, 18, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=8)))
    assert iso(moment) == "2026-11-22T10:00:00.123Z"
    assert iso_after(moment, 0.5) == "2026-11-22T10:00:00.623Z"
    assert iso(from_unix(0)) == "1970-01-01T00:00:00.000Z"
    assert SystemClock().now().tzinfo is UTC


@given(moments, moments)
def test_text_sorts_like_time_and_can_be_read_back(first: datetime, second: datetime) -> None:
    early, late = sorted((first, second))
    assert iso(early) <= iso(late)
    assert early - parse_iso(iso(early)) < timedelta(milliseconds=1)
