"""What was counted since the last report: how counts travel from a worker to whoever adds them up."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.observability.histogram import Histogram
from gateway.observability.metrics import Metrics
from gateway.observability.shadow import ShadowSample
from gateway.observability.use import Use

type Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a histogram has gained: observations by bucket, and their seconds."""

    counts: tuple[int, ...]
    total_seconds: float


@dataclass(frozen=True, slots=True)
class Delta:
    """What has been counted in between, by the names that the attributes of Metrics have. It never holds a zero.

    `uses` are for the ledger; they come in some reports only. `samples` are of shadows' answers that differ.
    """

    counts: Mapping[str, Mapping[Key, int]]
    durations: Mapping[str, Mapping[Key, Observed]]
    uses: tuple[Use, ...] = ()
    samples: tuple[ShadowSample, ...] = ()


class Unreported:
    """Owns a copy of what was reported already, so that the live counters are only ever read.

    Counting therefore costs what it costs without reports, and a report that is left out is contained in the next one.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counts: dict[str, dict[Key, int]] = {}
        self._durations: dict[str, dict[Key, Observed]] = {}

    def __repr__(self) -> str:
        return f"<Unreported of {self._metrics!r}>"

    def take(self) -> Delta:
        """Return what has been counted since the last call."""
        counts = {
            name: _gained(now, self._counts.setdefault(name, {})) for name, now in _counters(self._metrics).items()
        }
        durations = {
            name: _observed(now, self._durations.setdefault(name, {}))
            for name, now in _histograms(self._metrics).items()
        }
        return Delta(counts, durations)


def add(delta: Delta, total: Metrics) -> None:
    """Count what a report says."""
    counters, histograms = _counters(total), _histograms(total)
    for name, gained in delta.counts.items():
        counters[name].update(gained)
    for name, series in delta.durations.items():
        for key, observed in series.items():
            histograms[name][key].add(observed.counts, observed.total_seconds)


def _counters(metrics: Metrics) -> dict[str, Counter[Any]]:
    return {name: value for name, value in vars(metrics).items() if isinstance(value, Counter)}


def _histograms(metrics: Metrics) -> dict[str, defaultdict[Any, Histogram]]:
    found = {name: value for name, value in vars(metrics).items() if isinstance(value, defaultdict)}
    return {name: value for name, value in found.items() if value.default_factory is Histogram}


def _gained(now: Counter[Any], before: dict[Key, int]) -> dict[Key, int]:
    gained = {key: count - before.get(key, 0) for key, count in now.items() if count != before.get(key, 0)}
    before.update(now)
    return gained


def _observed(now: Mapping[Key, Histogram], before: dict[Key, Observed]) -> dict[Key, Observed]:
    gained = {}
    for key, histogram in now.items():
        seen = Observed(tuple(histogram.counts), histogram.total_seconds)
        known = before.get(key)
        if known is None or seen.counts != known.counts:
            gained[key] = seen if known is None else _difference(seen, known)
            before[key] = seen
    return gained


def _difference(seen: Observed, known: Observed) -> Observed:
    counts = tuple(new - old for new, old in zip(seen.counts, known.counts, strict=True))
    return Observed(counts, seen.total_seconds - known.total_seconds)
