"""A clock that tests move by hand."""

from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


class MovedClock:
    """Stands still until `advance`."""

    def __init__(self, now: datetime = MORNING) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
