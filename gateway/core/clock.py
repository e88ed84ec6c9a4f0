"""Time comes in through the constructor; this is where it comes from."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where an object reads the time. Tests pass one they move by hand."""

    def now(self) -> float:
        """Return wall-clock time in seconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps; only differences mean something."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Return wall-clock time in seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        return time.monotonic()
