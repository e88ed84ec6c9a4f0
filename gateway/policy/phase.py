"""Where a migration stands in its deprecation at one moment, and what its legacy endpoints answer then."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote

from gateway.config.snapshot import Deprecation
from gateway.core.errors import Problem, ProblemType
from gateway.core.http import Fields

URI_SAFE = "%/:?#[]@!$&'()*+,;="


class Phase(StrEnum):
    """The four phases, in their order."""

    PARALLEL = "parallel"
    DEPRECATED = "deprecated"
    GONE = "gone"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Stand:
    """What a phase means for one request: its headers, and the problem it is refused with, if it is."""

    phase: Phase
    headers: Fields
    problem: Problem | None
    reason: str


def at(deprecation: Deprecation, moment: float) -> Phase:
    """Return the phase at a moment (Unix seconds); a phase begins exactly on its date."""
    if moment >= deprecation.removed:
        return Phase.REMOVED
    if moment >= deprecation.gone:
        return Phase.GONE
    if moment >= deprecation.deprecated:
        return Phase.DEPRECATED
    return Phase.PARALLEL


def stand(deprecation: Deprecation, moment: float, consumer: str | None, successor: str) -> Stand:
    """Return how a legacy endpoint stands at a moment for a consumer; `successor` is its path, parameters filled in."""
    match at(deprecation, moment):
        case Phase.PARALLEL:
            return _parallel(deprecation, moment)
        case Phase.DEPRECATED:
            return _deprecated(deprecation, moment, successor)
        case Phase.GONE:
            return _gone(deprecation, moment, consumer, successor)
        case Phase.REMOVED:
            return _removed(successor)


def _parallel(deprecation: Deprecation, moment: float) -> Stand:
    announced = moment >= deprecation.announced and deprecation.docs is not None
    headers: Fields = (("Link", f'<{deprecation.docs}>; rel="deprecation"'),) if announced else ()
    return Stand(Phase.PARALLEL, headers, None, "announced" if announced else "not announced yet")


def _deprecated(deprecation: Deprecation, moment: float, successor: str) -> Stand:
    headers = _warnings(deprecation, successor)
    for brownout in deprecation.brownouts:
        if brownout.start <= moment < brownout.end:
            problem = _problem(ProblemType.BROWNOUT, deprecation, successor)
            # Rounded up, so that a client that waits exactly this long never lands in the same window.
            wait = ("Retry-After", str(math.ceil(brownout.end - moment)))
            return Stand(Phase.DEPRECATED, (*headers, wait), problem, f"brownout until {_iso(brownout.end)}")
    return Stand(Phase.DEPRECATED, headers, None, f"gone from {_iso(deprecation.gone)}")


def _gone(deprecation: Deprecation, moment: float, consumer: str | None, successor: str) -> Stand:
    headers = _warnings(deprecation, successor)
    until = deprecation.extensions.get(consumer) if consumer is not None else None
    if until is not None and moment < until:
        return Stand(Phase.GONE, headers, None, f"{consumer} has an extension until {_iso(until)}")
    problem = _problem(ProblemType.API_VERSION_GONE, deprecation, successor)
    return Stand(Phase.GONE, headers, problem, f"gone since {_iso(deprecation.gone)}")


def _removed(successor: str) -> Stand:
    link = (("Link", _successor_link(successor)),)
    problem = Problem(ProblemType.API_VERSION_REMOVED, f"This endpoint was removed. Call {successor} instead.")
    return Stand(Phase.REMOVED, link, problem, "removed")


def _warnings(deprecation: Deprecation, successor: str) -> Fields:
    """RFC 9745 section 2 (Deprecation), RFC 8594 section 3 (Sunset), RFC 5829 section 3.3 (successor-version)."""
    links = [_successor_link(successor)]
    if deprecation.docs is not None:
        links.append(f'<{deprecation.docs}>; rel="deprecation"')
    if deprecation.policy is not None:
        links.append(f'<{deprecation.policy}>; rel="sunset"')
    headers = [("Deprecation", deprecation.deprecation_header)]
    if deprecation.sunset_header:
        headers.append(("Sunset", deprecation.sunset_header))
    return (*headers, ("Link", ", ".join(links)))


def _successor_link(successor: str) -> str:
    """A client's own path may hold characters that no URI has (RFC 3986), such as the `>` that would end the link."""
    return f'<{quote(successor, safe=URI_SAFE)}>; rel="successor-version"'


def _problem(kind: ProblemType, deprecation: Deprecation, successor: str) -> Problem:
    message = f"This endpoint is deprecated. Call {successor} instead."
    members = {
        "successor": successor,
        "sunset": deprecation.sunset_header or None,
        "docs": deprecation.docs,
        "error": {"code": "ENDPOINT_DEPRECATED", "message": message, "documentation": deprecation.docs},
    }
    return Problem(kind, message, members=members)


def _iso(moment: float) -> str:
    if math.isinf(moment):
        return "a date not set"
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
