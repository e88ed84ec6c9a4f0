"""Traffic as a rollout's judge sees it."""

from bisect import bisect_left

from gateway.control.analysis import Evidence
from gateway.control.figures import BUCKETS, Figures, Tally
from gateway.observability.histogram import BOUNDS

ENDPOINT = "GET /api/favorites"


def tally(requests: int, failures: int = 0, seconds: float = 0.02, slow: int = 0, slow_seconds: float = 3.0) -> Tally:
    """Return so many requests of one duration, `slow` of them of another."""
    buckets = [0] * BUCKETS
    buckets[bisect_left(BOUNDS, seconds)] += requests - slow
    buckets[bisect_left(BOUNDS, slow_seconds)] += slow
    return Tally(requests, failures, tuple(buckets))


def figures(legacy: Tally | None, successor: Tally | None, shadow: Tally | None = None) -> Figures:
    """Return the figures of one endpoint."""
    sides = ({ENDPOINT: side} if side is not None else {} for side in (legacy, successor))
    return Figures(0.0, 600.0, *sides, shadow or Tally())


def evidence(step: Figures) -> Evidence:
    """Return a step that has just begun: all of it is recent."""
    return Evidence(step, step, step)
