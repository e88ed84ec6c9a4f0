"""Where a migration stands in its deprecation at one moment, and what its legacy endpoints answer then."""

import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from gateway.config.deprecation import Deprecation
from gateway.core.block import Block, fields
from gateway.core.errors import Problem, ProblemType
from gateway.core.http import Fields, iso_time

URI_SAFE: Final = "%/:?#[]@!$&'()*+,;="
NO_URI: Final = re.compile(r"[^A-Za-z0-9._~%/:?#\[\]@!$&'()*+,;=-]")
"""A character that no URI has (RFC 3986 section 2)."""


class Phase(StrEnum):
    """The four phases, in their order."""

    PARALLEL = "parallel"
    DEPRECATED = "deprecated"
    GONE = "gone"
    REMOVED = "removed"


@dataclass(slots=True, init=False)
class Stand:
    """What a phase means for one request: what its answer says, and the problem it is refused with, if it is.

    Read-only.
    """

    phase: Phase
    notices: Block
    problem: Problem | None
    reason: str

    def __init__(  # written out for when it is compiled, see policy.decision
        self, phase: Phase, notices: Block, problem: Problem | None, reason: str
    ) -> None:
        self.phase = phase
        self.notices = notices
        self.problem = problem
        self.reason = reason

    @property
    def headers(self) -> Fields:
        """The fields of `notices`."""
        return fields(self.notices)


def at(deprecation: Deprecation, moment: float) -> Phase:
    """Return the phase at a moment (Unix seconds); a phase begins exactly on its date."""
    if moment >= deprecation.removed:
        return Phase.REMOVED
    if moment >= deprecation.gone:
        return Phase.GONE
    if moment >= deprecation.deprecated:
        return Phase.DEPRECATED
    return Phase.PARALLEL


def window(deprecation: Deprecation, moment: float) -> tuple[float, float]:
    """Return the time around a moment, its start included, in which the stand stays as it is for everybody."""
    position = bisect_right(deprecation.edges, moment)
    return deprecation.edges[position - 1], deprecation.edges[position]


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
    if moment >= deprecation.announced and deprecation.notice:
        return Stand(Phase.PARALLEL, deprecation.notice, None, "announced")
    return Stand(Phase.PARALLEL, "", None, "not announced yet")


def _deprecated(deprecation: Deprecation, moment: float, successor: str) -> Stand:
    notices = _warnings(deprecation, successor)
    for brownout in deprecation.brownouts:
        if brownout.start <= moment < brownout.end:
            problem = _problem(ProblemType.BROWNOUT, deprecation, successor)
            # Rounded up, so that a client that waits exactly this long never lands in the same window.
            wait = f"Retry-After: {math.ceil(brownout.end - moment)}\r\n"
            return Stand(Phase.DEPRECATED, notices + wait, problem, f"brownout until {_iso(brownout.end)}")
    return Stand(Phase.DEPRECATED, notices, None, _outlook(deprecation.gone))


def _gone(deprecation: Deprecation, moment: float, consumer: str | None, successor: str) -> Stand:
    notices = _warnings(deprecation, successor)
    until = deprecation.extensions.get(consumer) if consumer is not None else None
    if until is not None and moment < until:
        return Stand(Phase.GONE, notices, None, f"{consumer} has an extension until {_iso(until)}")
    problem = _problem(ProblemType.API_VERSION_GONE, deprecation, successor)
    return Stand(Phase.GONE, notices, problem, f"gone since {_iso(deprecation.gone)}")


def _removed(successor: str) -> Stand:
    link = f'Link: <{_uri(successor)}>; rel="successor-version"\r\n'
    problem = Problem(ProblemType.API_VERSION_REMOVED, f"This endpoint was removed. Call {successor} instead.")
    return Stand(Phase.REMOVED, link, problem, "removed")


def _warnings(deprecation: Deprecation, successor: str) -> Block:
    before, after = deprecation.warning
    return f"{before}{_uri(successor)}{after}"


def _uri(path: str) -> str:
    """A client's own path may hold characters that no URI has, such as the `>` that would end the link."""
    return path if NO_URI.search(path) is None else quote(path, safe=URI_SAFE)


def _problem(kind: ProblemType, deprecation: Deprecation, successor: str) -> Problem:
    message = f"This endpoint is deprecated. Call {successor} instead."
    members = {
        "successor": successor,
        "sunset": deprecation.sunset_header or None,
        "docs": deprecation.docs,
        "error": {"code": "ENDPOINT_DEPRECATED", "message": message, "documentation": deprecation.docs},
    }
    return Problem(kind, message, members=members)


@lru_cache(maxsize=256)
def _outlook(gone: float) -> str:
    return f"gone from {_iso(gone)}"


def _iso(moment: float) -> str:
    if math.isinf(moment):
        return "a date not set"
    return iso_time(moment)
