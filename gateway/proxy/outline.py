"""`/.well-known/api-migrations`: every endpoint, its successor, its phase and its dates, for machines to read."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import Endpoint, Migration, Snapshot
from gateway.core.http import iso_time
from gateway.policy import phase

MOST_SECONDS: Final = 300
"""For how long the document may be kept at most: operators may cancel a brownout at any moment."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The document as it is from `since` until before `until` (Unix seconds), by these rules."""

    snapshot: Snapshot
    since: float
    until: float
    body: bytes
    etag: str

    def max_age(self, now: float) -> int:
        """Return for how many seconds it may be kept: never beyond the next change of a phase."""
        return max(0, math.floor(min(MOST_SECONDS, self.until - now)))


class Outlines:
    """Owns the last document: it is made anew when the rules or a phase have changed, whichever way the clock went."""

    def __init__(self) -> None:
        self._last: Outline | None = None

    def __repr__(self) -> str:
        return f"<Outlines {self._last.etag if self._last is not None else 'none yet'}>"

    def find(self, snapshot: Snapshot, now: float) -> Outline:
        """Return the document of this moment."""
        last = self._last
        if last is None or last.snapshot is not snapshot or not last.since <= now < last.until:
            last = self._last = outline(snapshot, now)
        return last


def outline(snapshot: Snapshot, now: float) -> Outline:
    """Make the document."""
    edges = sorted({-math.inf, math.inf, *_edges(snapshot)})
    position = bisect_right(edges, now)
    body = orjson.dumps({"migrations": migrations(snapshot, now)})
    return Outline(snapshot, edges[position - 1], edges[position], body, f'"{sha256(body).hexdigest()[:32]}"')


def migrations(snapshot: Snapshot, now: float) -> list[Mapping[str, Any]]:
    """Return every migration with its phase at `now`, its dates and its endpoints, by the live values."""
    endpoints: dict[str, list[Mapping[str, Any]]] = {name: [] for name in snapshot.migrations}
    for endpoint in snapshot.endpoints:
        calendar = snapshot.migrations[endpoint.owner].calendar(endpoint)
        endpoints[endpoint.owner].append({**_mapping(endpoint), **_standing(calendar, now)})
    return [_describe(migration, endpoints[name], now) for name, migration in snapshot.migrations.items()]


def _edges(snapshot: Snapshot) -> Iterator[float]:
    for migration in snapshot.migrations.values():
        for calendar in (migration.deprecation, *migration.exceptions.values()):
            if calendar is not None:
                yield from (calendar.deprecated, calendar.gone, calendar.removed)


def _describe(migration: Migration, endpoints: list[Mapping[str, Any]], now: float) -> Mapping[str, Any]:
    standing = _standing(migration.deprecation, now)
    return {"name": migration.name, "title": migration.title, **standing, "endpoints": endpoints}


def _mapping(endpoint: Endpoint) -> Mapping[str, Any]:
    return {
        "legacy": {"method": endpoint.method, "path": str(endpoint.template)},
        "successor": {"method": endpoint.successor_method, "path": str(endpoint.successor_template)},
    }


def _standing(calendar: Deprecation | None, now: float) -> Mapping[str, Any]:
    if calendar is None:
        return {"phase": phase.Phase.PARALLEL.value, "dates": None, "brownouts": [], "docs": None, "policy": None}
    return {
        "phase": phase.at(calendar, now).value,
        "dates": {
            "announced": _iso(calendar.announced),
            "deprecated": _iso(calendar.deprecated),
            "gone": _iso(calendar.gone),
            "removed": _iso(calendar.removed),
        },
        "brownouts": [{"start": _iso(window.start), "end": _iso(window.end)} for window in calendar.brownouts],
        "docs": calendar.docs,
        "policy": calendar.policy,
    }


def _iso(moment: float) -> str | None:
    """Return ISO 8601 in UTC; a date that the file leaves out is infinitely far away and has none."""
    if math.isinf(moment):
        return None
    return iso_time(moment)
