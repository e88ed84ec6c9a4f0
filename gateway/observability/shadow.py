"""Answers of the two sides that differ, as a worker notes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.observability.metrics import Metrics
from gateway.observability.use import OTHERS

PATHS: Final = 100
"""Fields of a migration that are counted by their own path; further ones are counted together."""
SAMPLES: Final = 20
"""Samples that are held between two reports; further ones are only counted."""
PATH_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs: its path, and both values as text.

    A path is such as `data[*].name`; `(status)` and `(body)` stand for the whole. Values are redacted unless the
    migration says otherwise: `str(6)`, `int`, `list(3)`, `absent`.
    """

    path: str
    legacy: str
    successor: str


@dataclass(frozen=True, slots=True)
class ShadowSample:
    """Two answers to one request that differ, at `at` (Unix seconds). There is at least one difference."""

    at: float
    migration: str
    endpoint: str
    differences: tuple[Difference, ...]


class ShadowLog:
    """Owns the samples since the last report. Every difference is also counted, in `Metrics.shadow_fields`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._paths: dict[str, set[str]] = {}
        self._samples: list[ShadowSample] = []

    def __repr__(self) -> str:
        return f"<ShadowLog {len(self._samples)} samples>"

    def note(self, sample: ShadowSample) -> None:
        """Count a sample's fields, and keep it if there is room."""
        paths = self._paths.setdefault(sample.migration, set())
        for path in self._named(paths, (difference.path for difference in sample.differences)):
            self._metrics.shadow_fields[sample.migration, path] += 1
        if len(self._samples) < SAMPLES:
            self._samples.append(sample)

    def take(self) -> tuple[ShadowSample, ...]:
        """Return the samples and begin anew."""
        samples, self._samples = self._samples, []
        return tuple(samples)

    def _named(self, known: set[str], paths: Iterable[str]) -> set[str]:
        """Return the names under which a sample's paths are counted, each once."""
        named: set[str] = set()
        for path in paths:
            if path not in known and len(known) < PATHS:
                known.add(path)
            named.add(path if path in known else OTHERS)
        return named
