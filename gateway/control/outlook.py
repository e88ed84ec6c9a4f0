"""Who will be refused, and when: every change that the calendar brings, with the consumers whom it will hit. Pure.

It is decided by the same `stand` that requests are held to, with another moment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, nextafter
from typing import Any, Final, NamedTuple

from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import Migration, Snapshot
from gateway.control.usage import Total
from gateway.core.http import iso_time
from gateway.observability.use import OTHERS
from gateway.policy.day import ANYWHERE, Spell
from gateway.policy.phase import Phase, stand

SHOWN: Final = 100
"""So many consumers are named by default; the others are counted."""


class Hit(NamedTuple):
    """One consumer: requests a day to the endpoints that change for it, and which those are."""

    consumer: str
    requests: float
    endpoints: tuple[str, ...]


@dataclass(slots=True)
class Turn:
    """One change: at `at` (Unix seconds) the legacy calls of some consumers get another answer.

    `status` is what they get: 410 or 404, or None for the beginning of the warning headers. `until` is when a brownout
    ends. `unnamed` are the requests a day of callers whom the ledger has no names for.
    """

    at: float
    migration: str
    answer: str
    status: int | None
    until: float | None = None
    hits: list[Hit] = field(default_factory=list)
    unnamed: float = 0.0

    @property
    def requests(self) -> float:
        """Requests a day of all who are hit."""
        return sum(hit.requests for hit in self.hits) + self.unnamed

    def document(self, shown: int = SHOWN) -> dict[str, Any]:
        """Return it as JSON values, the heaviest consumers named."""
        named = [
            {"consumer": hit.consumer, "requests_a_day": round(hit.requests, 1), "endpoints": hit.endpoints}
            for hit in self.hits[:shown]
        ]
        return {
            "at": iso_time(self.at),
            "until": iso_time(self.until) if self.until is not None else None,
            "migration": self.migration,
            "answer": self.answer,
            "status": self.status,
            "consumers": len(self.hits),
            "requests_a_day": round(self.requests, 1),
            "unnamed_requests_a_day": round(self.unnamed, 1),
            "named": named,
            "and_others": max(0, len(self.hits) - shown),
        }


@dataclass(frozen=True, slots=True)
class _Group:
    """The endpoints of a migration that share a calendar."""

    labels: frozenset[str]
    calendar: Deprecation


def outlook(
    snapshot: Snapshot, totals: Mapping[str, Sequence[Total]], days: float, now: float, at: float | None = None
) -> list[Turn]:
    """Return every coming change in order; with `at` one for each migration, as if it came all at once by then.

    `totals` are by migration, of the last `days` days.
    """
    turns: list[Turn] = []
    for name, migration in snapshot.migrations.items():
        groups = _groups(snapshot, migration)
        callers = _Callers(totals.get(name, ()), days)
        moments = [at] if at is not None else sorted({edge for group in groups for edge in _edges(group, now)})
        for moment in moments:
            before = now if at is not None else nextafter(moment, -inf)
            turns += _turns(name, groups, before, moment, callers)
    return sorted(turns, key=lambda turn: (turn.at, turn.status is None, turn.answer))


def _groups(snapshot: Snapshot, migration: Migration) -> list[_Group]:
    labels = {endpoint.label for endpoint in snapshot.endpoints if endpoint.owner == migration.name}
    found = [_Group(frozenset({label}), calendar) for label, calendar in migration.exceptions.items()]
    rest = frozenset(labels - migration.exceptions.keys())
    if migration.deprecation is not None and rest:
        found.append(_Group(rest, migration.deprecation))
    return found


def _edges(group: _Group, now: float) -> Iterator[float]:
    calendar = group.calendar
    for edge in (*calendar.edges, *calendar.extensions.values()):
        if isfinite(edge) and edge > now:
            yield edge


class _Callers:
    """The consumers of one migration, by the endpoints that they call: sorted out once for each set of endpoints."""

    def __init__(self, totals: Sequence[Total], days: float) -> None:
        self._totals = totals
        self._days = days
        self._named: dict[str, Total] | None = None
        self._hits: dict[frozenset[str], list[Hit]] = {}

    def all(self, labels: frozenset[str]) -> list[Hit]:
        """Return all who call one of these endpoints, the heaviest first."""
        found = self._hits.get(labels)
        if found is None:
            every = (self._hit(total, labels) for total in self._totals)
            found = sorted((hit for hit in every if hit is not None), key=lambda hit: (-hit.requests, hit.consumer))
            self._hits[labels] = found
        return found

    def one(self, consumer: str, labels: frozenset[str]) -> Hit | None:
        """Return a single consumer, if it calls one of these endpoints."""
        if self._named is None:
            self._named = {total.consumer: total for total in self._totals}
        total = self._named.get(consumer)
        return self._hit(total, labels) if total is not None else None

    def _hit(self, total: Total, labels: frozenset[str]) -> Hit | None:
        endpoints = tuple([label for label in total.endpoints if label in labels])
        if not endpoints:
            return None
        return Hit(total.consumer, sum([total.endpoints[label] for label in endpoints]) / self._days, endpoints)


def _turns(name: str, groups: Sequence[_Group], before: float, after: float, callers: _Callers) -> Iterator[Turn]:
    """Yield one change for each answer that begins at this moment."""
    found: dict[str, Turn] = {}
    special = {consumer for group in groups for consumer in group.calendar.extensions}
    for spell, labels in _changes(groups, before, after, None):
        # Also one that hits nobody is told of.
        turn = found[spell.answer] = _turn(name, spell)
        _add(turn, (hit for hit in callers.all(labels) if hit.consumer not in special))
    for consumer in special:
        for spell, labels in _changes(groups, before, after, consumer):
            hit = callers.one(consumer, labels)
            if hit is not None:
                _add(found.setdefault(spell.answer, _turn(name, spell)), [hit])
    for turn in found.values():
        turn.hits.sort(key=lambda hit: (-hit.requests, hit.consumer))
    yield from found.values()


def _add(turn: Turn, hits: Iterable[Hit]) -> None:
    for hit in hits:
        if hit.consumer == OTHERS:
            turn.unnamed += hit.requests
        else:
            turn.hits.append(hit)


def _turn(name: str, spell: Spell) -> Turn:
    problem = spell.stand.problem
    until = spell.end if problem is not None and problem.type == "brownout" else None
    return Turn(spell.start, name, spell.answer, problem.code if problem is not None else None, until)


def _changes(
    groups: Sequence[_Group], before: float, after: float, consumer: str | None
) -> list[tuple[Spell, frozenset[str]]]:
    """Return the answers that are new for a consumer, with the endpoints that give them."""
    found: dict[str, tuple[Spell, frozenset[str]]] = {}
    for group in groups:
        calendar = group.calendar
        old, new = (stand(calendar, moment, consumer, ANYWHERE) for moment in (before, after))
        spell = Spell(after, _end(calendar, after), new)
        is_warned = new.phase is Phase.DEPRECATED and old.phase is Phase.PARALLEL
        is_same = spell.answer == Spell(before, after, old).answer
        if is_same or (new.problem is None and not is_warned):
            continue
        _, labels = found.get(spell.answer, (spell, frozenset()))
        found[spell.answer] = spell, labels | group.labels
    return list(found.values())


def _end(calendar: Deprecation, moment: float) -> float:
    return next((window.end for window in calendar.brownouts if window.start <= moment < window.end), inf)
