"""Deprecation dates: are they in order, and what do they do at once?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from math import inf

from gateway.config.calendar import PHASES, dates
from gateway.config.findings import Fault, KeyPath
from gateway.config.lint.rule import (
    BROWNOUT_OUTSIDE,
    GONE_BELOW_FULL,
    NO_GUIDE,
    PAST_DATE,
    REMOVED_FIRST,
    SHORT_NOTICE,
    SUNSET_FIRST,
)
from gateway.config.readiness import is_unready
from gateway.config.schema import Config, Deprecation, Migration, own_calendar

WITHOUT_ANNOUNCEMENT = "counts from the announcement; write announced: DATE, or a date of its own here"
NOTICE_SECONDS = 30 * 86400
"""Clients' notice between the announcement and the end, below which a plan is called risky."""

type Found = dict[str, float]
"""The dates that are set, in Unix seconds."""


def check(config: Config, now: float) -> Iterator[Fault]:
    """Yield dates out of order, windows outside of their phase, and plans that hurt."""
    for name, migration in config.migrations.items():
        yield from _migration(migration, ("migrations", name), now)


def _migration(migration: Migration, path: KeyPath, now: float) -> Iterator[Fault]:
    here = (*path, "deprecation")
    common: list[Fault] = []
    if migration.deprecation is not None:
        common = [*_calendar(migration.deprecation, here, now), *_extensions(migration.deprecation, here)]
        common += _percent(migration, migration.deprecation, here, now)
    yield from common
    said = {(fault.path[len(here) :], fault.message) for fault in common}
    for position, endpoint in enumerate(migration.endpoints):
        if endpoint.deprecation is None:
            continue
        there = (*path, "endpoints", position, "deprecation")
        calendar = own_calendar(migration.deprecation, endpoint.deprecation)
        for fault in (*_calendar(calendar, there, now), *_percent(migration, calendar, there, now)):
            # What the endpoint only inherits has been said once already.
            if (fault.path[len(there) :], fault.message) not in said:
                yield fault


def _calendar(deprecation: Deprecation, path: KeyPath, now: float) -> Iterator[Fault]:
    found = dates(deprecation)
    loose = _loose(deprecation, found)
    for phase in loose:
        yield Fault((*path, phase), WITHOUT_ANNOUNCEMENT)
    is_complete = deprecation.gone is None or deprecation.deprecated is not None
    if not is_complete:
        yield Fault((*path, "deprecated"), "is missing: clients are warned before gone; write deprecated: DATE")
    disorder = list(_order(found, path))
    yield from disorder
    if is_complete and not disorder and not loose:
        yield from _brownouts(deprecation, found, path)
    yield from _risks(deprecation, found, path, now)


def _loose(deprecation: Deprecation, found: Found) -> list[str]:
    return [phase for phase in PHASES if getattr(deprecation, phase) is not None and phase not in found]


def _order(found: Found, path: KeyPath) -> Iterator[Fault]:
    for earlier, later in pairwise(found):
        if found[later] < found[earlier]:
            message = (
                f"is {_day(found[later])}, before {earlier} ({_day(found[earlier])}); the order is {', '.join(PHASES)}"
            )
            fault = Fault((*path, later), message)
            is_sunset_first = (earlier, later) == ("deprecated", "gone")
            yield replace(fault, rule=SUNSET_FIRST.name) if is_sunset_first else fault


def _brownouts(deprecation: Deprecation, found: Found, path: KeyPath) -> Iterator[Fault]:
    windows: list[tuple[float, float, int]] = []
    for position, brownout in enumerate(deprecation.brownouts):
        here = (*path, "brownouts", position)
        if brownout.at.is_relative and deprecation.announced is None:
            yield Fault((*here, "at"), WITHOUT_ANNOUNCEMENT)
            continue
        start = brownout.at.resolve(found.get("announced", 0.0))
        end = start + brownout.duration
        if "deprecated" not in found or start < found["deprecated"] or end > found.get("gone", inf):
            message = f"is outside of the deprecated phase ({_span(found)}); move it between deprecated and gone"
            yield BROWNOUT_OUTSIDE.broken(here, message)
        for other_start, other_end, other in windows:
            if start < other_end and other_start < end:
                yield Fault(here, f"overlaps brownouts[{other}]; make them one window, or move one")
        windows.append((start, end, position))


def _extensions(deprecation: Deprecation, path: KeyPath) -> Iterator[Fault]:
    found = dates(deprecation)
    is_complete = deprecation.gone is None or deprecation.deprecated is not None
    if not is_complete or _loose(deprecation, found) or any(_order(found, path)):
        return
    seen: dict[str, int] = {}
    for position, extension in enumerate(deprecation.extensions):
        here = (*path, "extensions", position)
        first = seen.setdefault(extension.consumer, position)
        if first != position:
            yield Fault((*here, "consumer"), f"'{extension.consumer}' has extensions[{first}] already; keep one")
        if extension.until.is_relative and deprecation.announced is None:
            yield Fault((*here, "until"), WITHOUT_ANNOUNCEMENT)
            continue
        until = extension.until.resolve(found.get("announced", 0.0))
        if until <= found.get("gone", inf):
            end = f"gone ({_day(found['gone'])})" if "gone" in found else "gone, which is not set"
            yield Fault((*here, "until"), f"is not after {end}, so it extends nothing; write a later date")
        elif until > found.get("removed", inf):
            message = f"is after removed ({_day(found['removed'])}), which ends extensions too"
            yield REMOVED_FIRST.broken((*here, "until"), message)


def _risks(deprecation: Deprecation, found: Found, path: KeyPath, now: float) -> Iterator[Fault]:
    for phase, status in (("gone", 410), ("removed", 404)):
        if found.get(phase, inf) <= now:
            message = (
                f"is in the past ({_day(found[phase])}): legacy calls get {status} as soon as this file is applied"
            )
            yield PAST_DATE.broken((*path, phase), message)
    if "announced" in found and "gone" in found and 0 <= found["gone"] - found["announced"] < NOTICE_SECONDS:
        days = (found["gone"] - found["announced"]) / 86400
        message = f"is {days:g} days after the announcement; give clients at least 30"
        yield SHORT_NOTICE.broken((*path, "gone"), message)
    if "gone" in found and deprecation.docs is None:
        yield NO_GUIDE.broken((*path, "gone"), "clients get no link to a guide; write docs: URL")


def _percent(migration: Migration, deprecation: Deprecation, path: KeyPath, now: float) -> Iterator[Fault]:
    found = dates(deprecation)
    gone, percent = found.get("gone", inf), migration.rollout.percent
    if is_unready(percent, gone, found.get("removed", inf), now):
        message = f"is {_day(gone)}, and the file has {percent:g} % of the callers on the successor by then"
        yield GONE_BELOW_FULL.broken((*path, "gone"), f"{message}; raise rollout.percent first, or move the date")


def _day(moment: float) -> str:
    stamp = datetime.fromtimestamp(moment, UTC)
    return stamp.strftime("%Y-%m-%d" if moment % 86400 == 0 else "%Y-%m-%dT%H:%M:%SZ")


def _span(found: Found) -> str:
    if "deprecated" not in found:
        return "there is none"
    return (
        f"{_day(found['deprecated'])} to {_day(found['gone'])}"
        if "gone" in found
        else f"from {_day(found['deprecated'])}"
    )
