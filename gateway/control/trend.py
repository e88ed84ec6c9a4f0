"""Has a consumer reacted since the headers began? Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Final, NamedTuple

from gateway.config.snapshot import Snapshot
from gateway.control.usage import Days

DAY_SECONDS: Final = 86_400
BASE_DAYS: Final = 14
"""How many days before the headers are compared with; whole weeks, since weekdays differ."""
RECENT_DAYS: Final = 7
REACTED_BELOW: Final = 0.2
GROWING_ABOVE: Final = 1.2


class Course(StrEnum):
    """What a consumer's calls have done since the headers began."""

    UNWARNED = "no headers yet"
    REACTED = "reacted"
    NOT_YET = "not yet"
    GROWING = "growing"
    NEW = "new since the headers"
    UNKNOWN = "unknown"


class Trend(NamedTuple):
    """Requests a day before the headers began and in the last days; `before` is 0 where there is nothing to compare."""

    course: Course
    before: float = 0.0
    recent: float = 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """The days (since 1970, UTC) that a migration's trend compares: from `begin` until before the headers' day `turn`,
    and from `start` until `end`, now; `length` is how many days that is by now.

    `now` is in Unix seconds. `oldest` is the first day that the ledger keeps.
    """

    turn: float
    now: float
    oldest: int = 0
    has_begun: bool = field(init=False)
    begin: int = field(init=False)
    start: int = field(init=False)
    end: int = field(init=False)
    length: float = field(init=False)

    def __post_init__(self) -> None:
        today = int(self.now // DAY_SECONDS)
        has_begun = self.turn * DAY_SECONDS <= self.now
        start = max(int(self.turn), today - RECENT_DAYS + 1) if has_begun else today
        object.__setattr__(self, "has_begun", has_begun)
        object.__setattr__(self, "begin", int(self.turn) - BASE_DAYS if self.turn != inf else today)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", today + 1)
        object.__setattr__(self, "length", max(self.now / DAY_SECONDS - start, 1 / 24))


def spans(snapshot: Snapshot, now: float, oldest: int) -> Mapping[str, Span]:
    """Return each migration's span; the headers begin with the first of its endpoints."""
    found = {}
    for name, migration in snapshot.migrations.items():
        calendars = [*migration.exceptions.values()]
        if migration.deprecation is not None:
            calendars.append(migration.deprecation)
        turn = min((one.deprecated for one in calendars), default=inf)
        found[name] = Span(turn // DAY_SECONDS if turn != inf else inf, now, oldest)
    return found


def trend(days: Mapping[int, int], span: Span) -> Trend:
    """Compare a consumer's requests by day."""
    if not span.has_begun:
        return Trend(Course.UNWARNED)
    turn = int(span.turn)
    recent = _between(days, span.start, span.end)[0] / span.length
    requests, first = _between(days, span.begin, turn)
    if first is None:
        return Trend(Course.NEW if span.oldest < turn else Course.UNKNOWN, 0.0, recent)
    # Who came first in the middle of the time before is measured from then on.
    before = requests / (turn - first)
    if recent <= before * REACTED_BELOW:
        return Trend(Course.REACTED, before, recent)
    return Trend(Course.GROWING if recent > before * GROWING_ABOVE else Course.NOT_YET, before, recent)


def _between(days: Mapping[int, int], since: int, until: int) -> tuple[int, int | None]:
    """Return the requests from one day until before another, and the first day that has any."""
    if isinstance(days, Days):
        return days.between(since, until)
    inside = [day for day in days if since <= day < until]
    return sum(days[day] for day in inside), min(inside, default=None)
