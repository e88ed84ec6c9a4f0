"""The migration plan as values: read off the snapshot, so it is what the gateway goes by."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import Condition, Endpoint, Migration, Route, Snapshot
from gateway.policy import phase


@dataclass(frozen=True, slots=True)
class Mapped:
    """One legacy endpoint and its successor."""

    legacy: str
    successor: str
    adapter: str | None
    auth: str
    quotas: tuple[str, ...]
    require: str | None


@dataclass(frozen=True, slots=True)
class Pinned:
    """Who is on one side whatever the percent."""

    to: str
    when: Mapping[str, str]

    def __str__(self) -> str:
        return f"{' and '.join(f'{name}={value}' for name, value in self.when.items())} → {self.to}"


@dataclass(frozen=True, slots=True)
class Window:
    """A brownout, or a consumer's extension (then `start` is None), ISO 8601."""

    name: str
    start: str | None
    end: str


@dataclass(frozen=True, slots=True)
class Area:
    """One migration's plan. `phase` is where it stands now; None without a deprecation. Dates are ISO 8601."""

    name: str
    title: str
    legacy: str
    successor: str
    percent: float
    by: tuple[str, ...]
    salt: str
    pins: tuple[Pinned, ...]
    phase: str | None
    dates: Mapping[str, str]
    brownouts: tuple[Window, ...]
    extensions: tuple[Window, ...]
    endpoints: tuple[Mapped, ...]


@dataclass(frozen=True, slots=True)
class Staying:
    """One plain route: not migrated."""

    name: str
    match: str
    upstream: str
    auth: str
    require: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All migrations and all plain routes at one moment."""

    digest: str
    at: str
    migrations: tuple[Area, ...]
    routes: tuple[Staying, ...]

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        return asdict(self)


def planned(snapshot: Snapshot, now: float) -> Plan:
    """Read the plan off a snapshot; `now` (Unix seconds) decides the phases."""
    return Plan(
        digest=snapshot.digest,
        at=iso(now),
        migrations=tuple(_area(migration, snapshot, now) for migration in snapshot.migrations.values()),
        routes=tuple(_staying(route) for route in snapshot.routes),
    )


def iso(moment: float) -> str:
    """Return Unix seconds as ISO 8601, without the time where it is midnight."""
    when = datetime.fromtimestamp(math.floor(moment), UTC)
    return (
        when.date().isoformat() if (when.hour, when.minute, when.second) == (0, 0, 0) else f"{when:%Y-%m-%dT%H:%M:%SZ}"
    )


def _area(migration: Migration, snapshot: Snapshot, now: float) -> Area:
    rollout, end = migration.rollout, migration.deprecation
    return Area(
        name=migration.name,
        title=migration.title,
        legacy=migration.legacy,
        successor=migration.successor,
        percent=rollout.percent,
        by=tuple(str(identity) for identity in rollout.by),
        salt=rollout.salt.decode(),
        pins=tuple(Pinned(pin.to, _terms(pin.when)) for pin in rollout.pins),
        phase=phase.at(end, now) if end is not None else None,
        dates=_dates(end) if end is not None else {},
        brownouts=tuple(Window("brownout", iso(window.start), iso(window.end)) for window in end.brownouts)
        if end
        else (),
        extensions=tuple(Window(name, None, iso(until)) for name, until in end.extensions.items()) if end else (),
        endpoints=tuple(_mapped(endpoint) for endpoint in snapshot.endpoints if endpoint.owner == migration.name),
    )


def _terms(condition: Condition) -> dict[str, str]:
    return {str(identity): expected for identity, expected in condition.terms}


def _dates(end: Deprecation) -> dict[str, str]:
    every = {"announced": end.announced, "deprecated": end.deprecated, "gone": end.gone, "removed": end.removed}
    return {name: iso(moment) for name, moment in every.items() if math.isfinite(moment)}


def _mapped(endpoint: Endpoint) -> Mapped:
    return Mapped(
        legacy=endpoint.label,
        successor=f"{endpoint.successor_method} {endpoint.successor_template}",
        adapter=endpoint.adapter.name if endpoint.adapter is not None else None,
        auth=endpoint.auth,
        quotas=tuple(quota.name for quota in endpoint.quotas),
        require=str(endpoint.require) if endpoint.require is not None else None,
    )


def _staying(route: Route) -> Staying:
    require = str(route.require) if route.require is not None else None
    return Staying(route.name, route.label, route.upstream, route.auth, require)
