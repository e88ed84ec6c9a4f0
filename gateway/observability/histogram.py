"""A latency histogram of plain integers."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

BOUNDS: Final[tuple[float, ...]] = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.35),
    *(0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper bounds of the buckets in seconds; a last one takes everything above.

From 50 ms to 2.5 s, where people notice, each is at most 1.5 times the one before: two backends whose times lie just
below and just above a bound must not look far apart to who compares them.
"""


class Histogram:
    """Owns the counts of one series. Observing costs one bisection and three additions."""

    __slots__ = ("counts", "total_seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total_seconds = 0.0

    def __repr__(self) -> str:
        return f"<Histogram {sum(self.counts)} observed>"

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total_seconds += seconds

    def add(self, counts: Iterable[int], total_seconds: float) -> None:
        """Count what another histogram has counted."""
        for bucket, count in enumerate(counts):
            self.counts[bucket] += count
        self.total_seconds += total_seconds

    def cumulated(self) -> list[tuple[str, float]]:
        """Return the buckets as Prometheus wants them: each counts what the ones before it count."""
        labels = [*map(str, BOUNDS), "+Inf"]
        running = 0
        buckets: list[tuple[str, float]] = []
        for label, count in zip(labels, self.counts, strict=True):
            running += count
            buckets.append((label, running))
        return buckets
