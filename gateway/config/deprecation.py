"""The calendar of a migration's end, as the policy reads it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from gateway.config.live import LiveMigration
from gateway.core.block import Block, render


@dataclass(frozen=True, slots=True)
class Brownout:
    """A planned window, in Unix seconds, in which a deprecated endpoint answers as if it were gone."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Deprecation:
    """The calendar of one migration's end, in Unix seconds, and the header values that never change.

    A date that the file leaves out is infinitely far away. `notice` is what the parallel phase says once the end is
    announced; `warning` is what the later phases say, around the successor's path. `edges` are the moments at which
    anything changes for everybody, in order, from -inf to inf.
    """

    announced: float
    deprecated: float
    gone: float
    removed: float
    docs: str | None
    policy: str | None
    deprecation_header: str
    sunset_header: str
    brownouts: tuple[Brownout, ...] = ()
    extensions: Mapping[str, float] = field(default_factory=dict)
    rehearsal: bool = False
    notice: Block = field(init=False, repr=False, compare=False)
    warning: tuple[Block, Block] = field(init=False, repr=False, compare=False)
    edges: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """RFC 9745 section 2 (Deprecation), RFC 8594 section 3 (Sunset), RFC 5829 section 3.3 (successor-version)."""
        docs = f'<{self.docs}>; rel="deprecation"' if self.docs is not None else ""
        policy = f'<{self.policy}>; rel="sunset"' if self.policy is not None else ""
        links = ", ".join(filter(None, ('>; rel="successor-version"', docs, policy)))
        fields = [("Deprecation", self.deprecation_header)]
        if self.sunset_header:
            fields.append(("Sunset", self.sunset_header))
        object.__setattr__(self, "notice", render((("Link", docs),)) if docs else "")
        object.__setattr__(self, "warning", (f"{render(tuple(fields))}Link: <", f"{links}\r\n"))
        windows = [edge for brownout in self.brownouts for edge in (brownout.start, brownout.end)]
        edges = {self.announced, self.deprecated, self.gone, self.removed, *windows}
        object.__setattr__(self, "edges", tuple(sorted({-math.inf, math.inf, *edges})))

    def turned(self, live: LiveMigration) -> Self:
        """Return the calendar with these live values."""
        if not (live.extensions or live.withdrawn or live.cancelled):
            return self
        kept = {name: until for name, until in self.extensions.items() if name not in live.withdrawn}
        brownouts = tuple(window for window in self.brownouts if window.start not in live.cancelled)
        return replace(self, brownouts=brownouts, extensions={**kept, **live.extensions})
