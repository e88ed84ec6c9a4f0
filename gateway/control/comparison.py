"""The successor beside legacy over the same endpoints, so that a different mix of calls does not mislead."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.control.figures import BUCKETS, Tally, total
from gateway.control.statistic import exceeds


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides over the endpoints that both served.

    `gap` is in percent points, the successor's failures less legacy's; `expected` is how many of all `failures` the
    successor would have by chance if both sides were alike. The latencies' weights are the same on both sides;
    `successor_samples` and `legacy_samples` say how many unweighted requests they are worth.
    """

    successor: Tally
    legacy: Tally
    gap: float
    expected: float
    successor_latencies: tuple[float, ...]
    legacy_latencies: tuple[float, ...]
    successor_samples: float
    legacy_samples: float

    @property
    def is_worse(self) -> bool:
        """Whether the successor's failures are proven to be more than chance gives it.

        A two-proportion test, stratified by endpoint (Cochran 1954; Mantel and Haenszel 1959). If the sides are alike,
        of an endpoint's failures the successor gets its share of the endpoint's requests (the hypergeometric
        distribution, as in Fisher's exact test). Sums of such counts are sums of independent yeses and noes (Vatutin
        and Mikhailov 1982), whose upper tail is at most that of the binomial with their mean (Hoeffding 1956). That
        bound is looked at: with one endpoint and many failures it says what the pooled two-proportion z-test says,
        whose normal approximation is wrong by orders of magnitude when one failure is expected.
        """
        failures = self.successor.failures + self.legacy.failures
        return failures > 0 and exceeds(self.successor.failures, failures, self.expected / failures)


def compare(legacy: Mapping[str, Tally], successor: Mapping[str, Tally]) -> Comparison:
    """Compare both sides, endpoint by endpoint, and add up with Mantel and Haenszel's weights n₁n₂ ÷ (n₁ + n₂)."""
    pairs = [
        (successor[endpoint], legacy[endpoint])
        for endpoint in sorted(successor.keys() & legacy.keys())
        if successor[endpoint].requests and legacy[endpoint].requests
    ]
    weights = [_weight(ours.requests, theirs.requests) for ours, theirs in pairs]
    gaps = [ours.failure_percent - theirs.failure_percent for ours, theirs in pairs]
    expected = [
        (ours.failures + theirs.failures) * ours.requests / (ours.requests + theirs.requests) for ours, theirs in pairs
    ]
    ours, our_samples, theirs, their_samples = _latencies(pairs)
    return Comparison(
        successor=total(ours for ours, _ in pairs),
        legacy=total(theirs for _, theirs in pairs),
        gap=math.sumprod(weights, gaps) / sum(weights) if weights else 0.0,
        expected=sum(expected),
        successor_latencies=ours,
        legacy_latencies=theirs,
        successor_samples=our_samples,
        legacy_samples=their_samples,
    )


def _weight(ours: int, theirs: int) -> float:
    return ours * theirs / (ours + theirs)


def _latencies(
    pairs: list[tuple[Tally, Tally]],
) -> tuple[tuple[float, ...], float, tuple[float, ...], float]:
    """Weigh each endpoint's latencies alike on both sides."""
    timed = [(sum(ours.buckets), sum(theirs.buckets), ours, theirs) for ours, theirs in pairs]
    timed = [entry for entry in timed if entry[0] and entry[1]]
    weights = [_weight(ours, theirs) for ours, theirs, _, _ in timed]
    left = [(weight, count, tally.buckets) for weight, (count, _, tally, _) in zip(weights, timed, strict=True)]
    right = [(weight, count, tally.buckets) for weight, (_, count, _, tally) in zip(weights, timed, strict=True)]
    return *_mixed(left), *_mixed(right)


def _mixed(parts: list[tuple[float, int, tuple[int, ...]]]) -> tuple[tuple[float, ...], float]:
    """Return the weighted histogram, and how many unweighted samples it is worth (Kish 1965: (Σw)² ÷ Σw²)."""
    if not parts:
        return (0.0,) * BUCKETS, 0.0
    samples = sum(weight for weight, _, _ in parts) ** 2 / sum(weight**2 / count for weight, count, _ in parts)
    scale = samples / sum(weight for weight, _, _ in parts)
    scales = [scale * weight / count for weight, count, _ in parts]
    return tuple(
        math.sumprod(scales, column) for column in zip(*(buckets for _, _, buckets in parts), strict=True)
    ), samples
