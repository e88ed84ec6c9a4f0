"""What a calendar's endpoints answer over a stretch of time: the stands of its moments, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.config.deprecation import Deprecation
from gateway.policy.phase import Phase, Stand, stand

DAY_SECONDS: Final = 86400.0
ANYWHERE: Final = "/"
"""Stands for the successor's path, which says nothing about when."""


@dataclass(frozen=True, slots=True)
class Spell:
    """From `start` until before `end` (Unix seconds) everybody gets the same, but consumers who are `spared`."""

    start: float
    end: float
    stand: Stand
    spared: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """What legacy calls get, in a few words."""
        problem = self.stand.problem
        if problem is not None:
            return f"{problem.code} {problem.type}"
        if self.stand.phase is Phase.PARALLEL:
            return "normally, with a link to the guide" if self.stand.notices else "normally"
        return "normally, with warning headers"


def spells(calendar: Deprecation, start: float, end: float) -> Iterator[Spell]:
    """Yield what happens from one moment until before another, through the same rules that requests are held to."""
    edges = {*calendar.edges, *calendar.extensions.values()}
    moments = [start, *sorted(edge for edge in edges if start < edge < end), end]
    for since, until in pairwise(moments):
        standing = stand(calendar, since, None, ANYWHERE)
        spared = () if standing.problem is None else tuple(sorted(_spared(calendar, since)))
        yield Spell(since, until, standing, spared)


def _spared(calendar: Deprecation, moment: float) -> Iterator[str]:
    for consumer in calendar.extensions:
        if stand(calendar, moment, consumer, ANYWHERE).problem is None:
            yield consumer
