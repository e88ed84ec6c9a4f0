"""What one second of traffic came to."""

import math
from collections import Counter
from collections.abc import Sequence

REFUSED = frozenset({401, 403, 429})
"""Answers that this traffic should never get, beside 5xx; a 404 or a conflict is part of it."""


class Tally:
    """Owns the figures since the last line. Times are seconds."""

    def __init__(self) -> None:
        self.open_streams = 0
        self.held_back = 0
        self.late = 0.0
        self._sides: Counter[str] = Counter()
        self._errors = 0
        self._durations: list[float] = []

    def answered(self, status: int, side: str | None, seconds: float) -> None:
        """Note one answer, and the side that its X-Served-By names."""
        self._durations.append(seconds)
        if side is not None:
            self._sides[side] += 1
        if status >= 500 or status in REFUSED:
            self._errors += 1

    def failed(self) -> None:
        """Note a request that got no answer."""
        self._errors += 1

    def line(self, seconds: float) -> str:
        """Return the figures of the last `seconds` as one line, and begin anew."""
        parts = [
            f"{len(self._durations) / seconds:4.0f} req/s",
            *(f"{side} {_share(self._sides, side):3.0f} %" for side in ("v1", "v2")),
            f"errors {self._errors}",
            f"p50 {_milliseconds(self._durations, 0.50)}",
            f"p95 {_milliseconds(self._durations, 0.95)}",
            f"streams {self.open_streams}",
        ]
        if self.held_back:
            parts.append(f"held back {self.held_back}")
        if self.late > 0.1:
            parts.append(f"generator late by {self.late * 1000:.0f} ms")
        self._begin()
        return "  ".join(parts)

    def _begin(self) -> None:
        self.held_back, self.late, self._errors = 0, 0.0, 0
        self._sides.clear()
        self._durations.clear()


def _share(sides: Counter[str], side: str) -> float:
    return 100 * sides[side] / total if (total := sides.total()) else 0.0


def _milliseconds(durations: Sequence[float], quantile: float) -> str:
    if not durations:
        return "-"
    rank = max(0, math.ceil(quantile * len(durations)) - 1)
    return f"{sorted(durations)[rank] * 1000:.0f} ms"
