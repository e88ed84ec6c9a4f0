"""A clock that only moves when a test says so."""


class FakeClock:
    """Holds wall-clock and monotonic time; `advance` moves both."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        """Return wall-clock seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._monotonic += seconds
