"""Who will be refused, and when: every change that the calendar brings, with the consumers whom it will hit. Pure.

It is decided by the same `stand` that requests are held to, with another moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, nextafter
from typing import Any, Final

from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import Migration, Snapshot
from gateway.control.usage import OTHERS, Total
from gateway.policy.day import ANYWHERE, Spell
from gateway.policy.phase import Phase, stand

SHOWN: Final = 100
"""So many consumers are named by default; the others are counted."""


@dataclass(frozen=True, slots=True)
class Hit:
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

    def document(self, iso: Any, shown: int = SHOWN) -> dict[str, Any]:
        """Return it as JSON values, the heaviest consumers named; `iso` writes times."""
        named = [
            {"consumer": hit.consumer, "requests_a_day": round(hit.requests, 1), "endpoints": hit.endpoints}
            for hit in self.hits[:shown]
        ]
        return {
            "at": iso(self.at),
            "until": iso(self.until) if self.until is not None else None,
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
        moments = [at] if at is not None else sorted({edge for group in groups for edge in _edges(group, now)})
        for moment in moments:
            before = now if at is not None else nextafter(moment, -inf)
            turns += _turns(name, groups, before, moment, totals.get(name, ()), days)
    return sorted(turns, key=lambda turn: turn.at)


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


def _turns(
    name: str, groups: Sequence[_Group], before: float, after: float, totals: Sequence[Total], days: float
) -> Iterator[Turn]:
    """Yield one change for each answer that begins at this moment."""
    found: dict[str, Turn] = {}
    special = {consumer for group in groups for consumer in group.calendar.extensions}
    usual = _changes(groups, before, after, None)
    for total in totals:
        changes = _changes(groups, before, after, total.consumer) if total.consumer in special else usual
        for spell, labels in changes:
            endpoints = tuple(label for label in total.endpoints if label in labels)
            requests = sum(total.endpoints[label] for label in endpoints) / days
            if not requests:
                continue
            turn = found.setdefault(spell.answer, _turn(name, spell))
            if total.consumer == OTHERS:
                turn.unnamed += requests
            else:
                turn.hits.append(Hit(total.consumer, requests, endpoints))
    for spell, _ in usual:
        # Also one that hits nobody is told of.
        found.setdefault(spell.answer, _turn(name, spell))
    for turn in found.values():
        turn.hits.sort(key=lambda hit: (-hit.requests, hit.consumer))
    yield from found.values()


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
