"""Is the successor ready for the end? Whether the split has come as far as the calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.config.snapshot import Snapshot

LEAD_SECONDS: Final = 14 * 86400.0
"""From when on before `gone` it counts that not everybody is served by the successor."""


@dataclass(frozen=True, slots=True)
class Unready:
    """A migration whose legacy side ends at `gone` (Unix seconds) while the successor serves `percent` of the keys."""

    migration: str
    gone: float
    percent: float


def is_unready(percent: float, gone: float, removed: float, now: float) -> bool:
    """Return whether the end has come, or is near, although the successor does not serve everybody."""
    return percent < 100 and now >= gone - LEAD_SECONDS and now < removed


def unready(snapshot: Snapshot, now: float) -> Iterator[Unready]:
    """Yield the migrations that end too early by their live percent: each once, by its first end."""
    for migration in snapshot.migrations.values():
        percent = migration.rollout.percent
        calendars = [*migration.exceptions.values()]
        if migration.deprecation is not None:
            calendars.append(migration.deprecation)
        ends = [one.gone for one in calendars if is_unready(percent, one.gone, one.removed, now)]
        if ends:
            yield Unready(migration.name, min(ends), percent)
