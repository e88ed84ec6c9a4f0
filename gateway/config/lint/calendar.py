"""Deprecation dates: are they in order, and what do they do at once?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from gateway.config.calendar import PHASES, dates
from gateway.config.findings import Fault, KeyPath
from gateway.config.schema import Config, Deprecation

WITHOUT_ANNOUNCEMENT = "counts from the announcement; write announced: DATE, or a date of its own here"
NOTICE_SECONDS = 30 * 86400
"""Clients' notice between the announcement and the end, below which a plan is called risky."""


def check(config: Config, now: float) -> Iterator[Fault]:
    """Yield dates out of order, windows outside of their phase, and plans that hurt."""
    for name, migration in config.migrations.items():
        if migration.deprecation is not None:
            yield from _deprecation(migration.deprecation, ("migrations", name, "deprecation"), now)


def _deprecation(deprecation: Deprecation, path: KeyPath, now: float) -> Iterator[Fault]:
    found = dates(deprecation)
    loose = [phase for phase in PHASES if getattr(deprecation, phase) is not None and phase not in found]
    for phase in loose:
        yield Fault((*path, phase), WITHOUT_ANNOUNCEMENT)
    is_complete = deprecation.gone is None or deprecation.deprecated is not None
    if not is_complete:
        yield Fault((*path, "deprecated"), "is missing: clients are warned before gone; write deprecated: DATE")
    disorder = list(_order(found, path))
    yield from disorder
    if is_complete and not disorder and not loose:
        yield from _brownouts(deprecation, found, path)
        yield from _extensions(deprecation, found, path)
    yield from _risks(deprecation, found, path, now)


def _order(found: dict[str, float], path: KeyPath) -> Iterator[Fault]:
    phases = list(found)
    for earlier, later in pairwise(phases):
        if found[later] < found[earlier]:
            message = (
                f"is {_day(found[later])}, before {earlier} ({_day(found[earlier])}); the order is {', '.join(PHASES)}"
            )
            yield Fault((*path, later), message)


def _brownouts(deprecation: Deprecation, found: dict[str, float], path: KeyPath) -> Iterator[Fault]:
    windows: list[tuple[float, float, int]] = []
    for position, brownout in enumerate(deprecation.brownouts):
        here = (*path, "brownouts", position)
        if brownout.at.is_relative and deprecation.announced is None:
            yield Fault((*here, "at"), WITHOUT_ANNOUNCEMENT)
            continue
        start = brownout.at.resolve(found.get("announced", 0.0))
        end = start + brownout.duration
        if "deprecated" not in found or start < found["deprecated"] or end > found.get("gone", float("inf")):
            yield Fault(
                here, f"is outside of the deprecated phase ({_span(found)}); move it between deprecated and gone"
            )
        for other_start, other_end, other in windows:
            if start < other_end and other_start < end:
                yield Fault(here, f"overlaps brownouts[{other}]; make them one window, or move one")
        windows.append((start, end, position))


def _extensions(deprecation: Deprecation, found: dict[str, float], path: KeyPath) -> Iterator[Fault]:
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
        if until <= found.get("gone", float("inf")):
            end = f"gone ({_day(found['gone'])})" if "gone" in found else "gone, which is not set"
            yield Fault((*here, "until"), f"is not after {end}, so it extends nothing; write a later date")
        elif until > found.get("removed", float("inf")):
            message = f"is after removed ({_day(found['removed'])}), which ends extensions too"
            yield Fault((*here, "until"), message, "warning")


def _risks(deprecation: Deprecation, found: dict[str, float], path: KeyPath, now: float) -> Iterator[Fault]:
    for phase, status in (("gone", 410), ("removed", 404)):
        if found.get(phase, float("inf")) <= now:
            message = (
                f"is in the past ({_day(found[phase])}): legacy calls get {status} as soon as this file is applied"
            )
            yield Fault((*path, phase), message, "warning")
    if "announced" in found and "gone" in found and 0 <= found["gone"] - found["announced"] < NOTICE_SECONDS:
        days = (found["gone"] - found["announced"]) / 86400
        message = f"is {days:g} days after the announcement; give clients at least 30"
        yield Fault((*path, "gone"), message, "warning")
    if "gone" in found and deprecation.docs is None:
        yield Fault((*path, "gone"), "clients get no link to a guide; write docs: URL", "warning")


def _day(moment: float) -> str:
    stamp = datetime.fromtimestamp(moment, UTC)
    return stamp.strftime("%Y-%m-%d" if moment % 86400 == 0 else "%Y-%m-%dT%H:%M:%SZ")


def _span(found: dict[str, float]) -> str:
    if "deprecated" not in found:
        return "there is none"
    return (
        f"{_day(found['deprecated'])} to {_day(found['gone'])}"
        if "gone" in found
        else f"from {_day(found['deprecated'])}"
    )
