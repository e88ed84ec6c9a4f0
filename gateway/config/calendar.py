"""A migration's dates in Unix seconds, and the headers that follow from them."""

import math

from gateway.config import schema
from gateway.config.deprecation import Brownout, Deprecation
from gateway.core.http import http_date

PHASES = ("announced", "deprecated", "gone", "removed")


def dates(spec: schema.Deprecation) -> dict[str, float]:
    """Return the dates that are set, in the phases' order; a relative one without an announcement is left out."""
    announced = spec.announced
    found: dict[str, float] = {}
    for phase, moment in zip(PHASES, (announced, spec.deprecated, spec.gone, spec.removed), strict=True):
        if moment is not None and not (moment.is_relative and announced is None):
            found[phase] = moment.resolve(announced.seconds if announced is not None else 0.0)
    return found


def compile_deprecation(spec: schema.Deprecation) -> Deprecation:
    """Compile a calendar: RFC 9745 section 2.1 for `Deprecation`, RFC 8594 section 3 for `Sunset`."""
    found = dates(spec)
    deprecated, gone = found.get("deprecated", math.inf), found.get("gone", math.inf)
    start = spec.announced.seconds if spec.announced is not None else 0.0
    windows = sorted((brownout.at.resolve(start), brownout.duration) for brownout in spec.brownouts)
    return Deprecation(
        announced=found.get("announced", math.inf),
        deprecated=deprecated,
        gone=gone,
        removed=found.get("removed", math.inf),
        docs=spec.docs,
        policy=spec.policy,
        deprecation_header=f"@{math.floor(deprecated)}" if "deprecated" in found else "",
        sunset_header=http_date(gone) if "gone" in found else "",
        brownouts=tuple(Brownout(at, at + duration) for at, duration in windows),
        extensions={extension.consumer: extension.until.resolve(start) for extension in spec.extensions},
        rehearsal=spec.rehearsal,
    )
