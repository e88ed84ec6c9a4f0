"""How sure figures make us: binomial tails, and quantiles of histograms. Numbers only, no rollouts."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from gateway.observability.histogram import BOUNDS

SIGNIFICANCE: Final = 1e-6
"""How rarely chance alone may look this bad: a ramp is looked at thousands of times, and each look may err."""
EDGES: Final = (0.0, *BOUNDS, BOUNDS[-1])
"""Where buckets begin and end; the last one, which has no end, counts as if everything in it were at its beginning."""


def tail(trials: int, chance: float, least: int) -> float:
    """Return how probable at least so many of some trials are: the upper tail of the binomial distribution.

    Exact, because the normal approximation's tail is a thousand times too thin for a few failures in some hundred
    requests; `least` is to be above the mean, where the terms fall and their sum is soon complete.
    """
    if least > trials or chance <= 0:
        return 0.0
    if least <= trials * chance:
        return 1.0
    logarithm = math.lgamma(trials + 1) - math.lgamma(least + 1) - math.lgamma(trials - least + 1)
    term = math.exp(logarithm + least * math.log(chance) + (trials - least) * math.log1p(-chance))
    found, odds = term, chance / (1 - chance)
    for successes in range(least, trials):
        term *= (trials - successes) / (successes + 1) * odds
        found += term
        if term <= found * 1e-9:
            break
    return min(found, 1.0)


def exceeds(failures: int, trials: int, chance: float) -> bool:
    """Return whether so many failures prove a greater chance than this one (the exact binomial test, one-sided)."""
    return tail(trials, chance, failures) < SIGNIFICANCE


def quantile(buckets: Sequence[float], share: float) -> float:
    """Return the duration in seconds that this share stays below, interpolated within its bucket."""
    wanted, below = sum(buckets) * share, 0.0
    for count, (begin, end) in zip(buckets, pairwise(EDGES), strict=True):
        if count and below + count >= wanted:
            return begin + (end - begin) * (wanted - below) / count
        below += count
    return EDGES[-1]


def certainly_over(buckets: Sequence[float], seconds: float) -> float:
    """Return how many surely took longer: those in buckets that begin there or later."""
    return sum(buckets[bisect_left(BOUNDS, seconds) + 1 :])


def upper_share(share: float, samples: float, deviations: float = 3.0) -> float:
    """Return the share whose quantile is an upper bound of the true quantile at `share`.

    The number of samples below the true quantile is binomial (David and Nagaraja, Order Statistics, 2003, section 7.1).
    """
    return min(share + deviations * math.sqrt(share * (1 - share) / samples), 1.0) if samples else 1.0
