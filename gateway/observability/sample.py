"""Gauges as one worker read them, and what several workers' readings mean together."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.observability.metrics import Gauge, Labels, Merge, Reading


@dataclass(frozen=True, slots=True)
class Sample:
    """One gauge at one moment: how it is described, what was read, and how workers' values become one."""

    name: str
    text: str
    labels: Labels
    merge: Merge
    values: tuple[tuple[Labels, float], ...]


def read(gauges: Iterable[Gauge]) -> tuple[Sample, ...]:
    """Read every gauge now."""
    return tuple(Sample(gauge.name, gauge.text, gauge.labels, gauge.merge, tuple(gauge.read())) for gauge in gauges)


def merged(samples: Iterable[Sample]) -> list[Gauge]:
    """Return one gauge for each name; where several workers know a value, their gauge's own rule decides."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.name, []).append(sample)
    return [_gauge(same) for same in found.values()]


def _gauge(same: list[Sample]) -> Gauge:
    values: dict[Labels, list[float]] = {}
    for sample in same:
        for labels, value in sample.values:
            values.setdefault(labels, []).append(value)
    first = same[0]
    reading: Reading = [(labels, first.merge(known)) for labels, known in values.items()]
    return Gauge(first.name, first.text, first.labels, lambda: reading, first.merge)
