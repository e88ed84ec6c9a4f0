"""A clock that only moves when a test says so."""


class FakeClock:
    """Holds wall-clock and monotonic time; `advance` moves both, `jump` is somebody setting the wall clock."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        """Return wall-clock seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return self._monotonic

    def jump(self, now: float) -> None:
        """Set the wall clock, and let no time pass."""
        self._now = now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._monotonic += seconds
