"""The migration plan as values: read off the snapshot, so it is what the gateway goes by."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.config import schema
from gateway.config.deprecation import Deprecation
from gateway.config.identity import Condition
from gateway.config.schema import Config
from gateway.config.snapshot import Endpoint, Migration, Route, Snapshot
from gateway.policy import day, phase


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
class Answered:
    """What the legacy calls of a migration (or of one endpoint with dates of its own) get for a while, ISO 8601.

    `spared` are consumers with an extension, who are served nevertheless.
    """

    what: str
    start: str
    end: str
    phase: str
    answer: str
    spared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ramp:
    """How the percent is to rise; `bake` is in seconds."""

    steps: tuple[float, ...]
    bake: float
    on_fail: str


@dataclass(frozen=True, slots=True)
class Area:
    """One migration's plan. `phase` is where it stands now; None without a deprecation. Dates are ISO 8601.

    `exceptions` are the dates of endpoints that have their own; `answers` what is answered on the day asked about.
    """

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
    exceptions: Mapping[str, Mapping[str, str]]
    brownouts: tuple[Window, ...]
    extensions: tuple[Window, ...]
    endpoints: tuple[Mapped, ...]
    ramp: Ramp | None
    answers: tuple[Answered, ...]


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


def planned(config: Config, snapshot: Snapshot, now: float, until: float | None = None) -> Plan:
    """Read the plan off a snapshot and what it was compiled from; `now` (Unix seconds) decides the phases.

    With `until` it lists what is answered from now until then.
    """
    areas = (_area(one, config.migrations[name], snapshot, now, until) for name, one in snapshot.migrations.items())
    return Plan(
        digest=snapshot.digest,
        at=iso(now),
        migrations=tuple(areas),
        routes=tuple(_staying(route) for route in snapshot.routes),
    )


def iso(moment: float) -> str:
    """Return Unix seconds as ISO 8601, without the time where it is midnight."""
    when = datetime.fromtimestamp(math.floor(moment), UTC)
    return (
        when.date().isoformat() if (when.hour, when.minute, when.second) == (0, 0, 0) else f"{when:%Y-%m-%dT%H:%M:%SZ}"
    )


def _area(migration: Migration, spec: schema.Migration, snapshot: Snapshot, now: float, until: float | None) -> Area:
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
        exceptions={label: _dates(own) for label, own in migration.exceptions.items()},
        brownouts=tuple(Window("brownout", iso(window.start), iso(window.end)) for window in end.brownouts)
        if end
        else (),
        extensions=tuple(Window(name, None, iso(until)) for name, until in end.extensions.items()) if end else (),
        endpoints=tuple(_mapped(endpoint) for endpoint in snapshot.endpoints if endpoint.owner == migration.name),
        ramp=Ramp(ramp.steps, ramp.bake, ramp.on_fail) if (ramp := spec.rollout.ramp) is not None else None,
        answers=tuple(_answers(migration, now, until)) if until is not None else (),
    )


def _answers(migration: Migration, start: float, end: float) -> Iterator[Answered]:
    """Yield what happens to the migration, and to its exceptions, from one moment to another."""
    calendars = {migration.name: migration.deprecation, **migration.exceptions}
    for what, calendar in calendars.items():
        if calendar is None:
            yield Answered(what, iso(start), iso(end), phase.Phase.PARALLEL, "normally", ())
            continue
        for spell in day.spells(calendar, start, end):
            since, until = iso(spell.start), iso(spell.end)
            yield Answered(what, since, until, spell.stand.phase, spell.answer, spell.spared)


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
