"""Each consumer's total, from its own row of the file: as quick with twenty endpoints as with one, nearly."""
# ruff: noqa: S608 - queries are put together from constants; values are parameters

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter, sub
from sys import byteorder
from typing import Any, Final, NamedTuple

from gateway.control.store.sqlite.sheet import BLOCK, COLUMNS, LONG, SHORT, read_names
from gateway.control.usage import Caller, Days, Total, Usage, most

ALL: Final = "requests"
"""The first name of each consumer's sheet."""
REFUSED: Final = "refused"
FAILURES: Final = " failures"
ENDPOINT: Final = "@"
"""Begins the name of an endpoint's count."""
READ: Final = f"""
    SELECT migration, consumer, {", ".join(COLUMNS)} FROM consumer INDEXED BY consumer_key
    WHERE block >= ?1 / {BLOCK} AND last_day >= ?1 {{where}} ORDER BY migration, consumer, block
"""


def counted(row: Usage) -> Mapping[str, int]:
    """Return what a row counts for its consumer."""
    side = row.side or REFUSED
    return {ALL: row.requests, side: row.requests, side + FAILURES: row.failures, ENDPOINT + row.endpoint: row.requests}


class Plan(NamedTuple):
    """Where the counts of a sheet with certain names are; -1 is a zero after the last of them."""

    width: int
    legacy: int
    successor: int
    refused: int
    legacy_failures: int
    successor_failures: int
    endpoints: Sequence[tuple[str, int]]


def totals(db: sqlite3.Connection, since_day: int, migration: str | None) -> Sequence[Total]:
    """Return each consumer's use since a day, most legacy calls first."""
    where, values = ("", ()) if migration is None else ("AND migration = ?2", (migration,))
    # By the key, which brings a consumer's blocks one after the other; sorting all the sheets would take the memory.
    return _added_up(db.execute(READ.format(where=where), (since_day, *values)), since_day)


def totals_of(db: sqlite3.Connection, since_day: int, callers: Iterable[Caller]) -> Sequence[Total]:
    """Return the use of these consumers since a day, most legacy calls first."""
    query = READ.format(where="AND migration = ?2 AND consumer = ?3")
    rows = chain.from_iterable(db.execute(query, (since_day, *caller)) for caller in sorted(set(callers)))
    return _added_up(rows, since_day)


def busiest(
    db: sqlite3.Connection, since_day: int, migrations: Collection[str], limit: int
) -> tuple[int, Sequence[Caller]]:
    """Return how many consumers called since a day, and so many of them, most legacy calls first.

    One number of each sheet is read, which is twice as quick as all that a total has.
    """
    names = sorted(migrations)
    query = f"""
        SELECT migration, consumer, first_day, names, days, sums FROM consumer NOT INDEXED
        WHERE block >= ? / {BLOCK} AND last_day >= ? AND migration IN ({", ".join("?" * len(names))})
    """
    calls: dict[Caller, int] = {}
    for migration, consumer, *sheet in db.execute(query, (since_day, since_day, *names)):
        caller = migration, consumer
        calls[caller] = calls.get(caller, 0) + _legacy(since_day, *sheet)
    return most(calls, limit)


def _legacy(since_day: int, first_day: int, names: str, days: bytes, sums: bytes) -> int:
    """Return the legacy calls since a day. Unpacks nothing but the last day's number, and the one before the first."""
    width, at = _plan(names)[:2]
    if at < 0:
        return 0
    size = 4 * len(sums) // (len(days) * width)
    last = len(sums) - (width - at) * size
    number = int.from_bytes(sums[last : last + size], byteorder)
    if first_day < since_day:
        before = ((bisect_left(array(SHORT, days), since_day) - 1) * width + at) * size
        number -= int.from_bytes(sums[before : before + size], byteorder)
    return number


def _added_up(rows: Iterable[Sequence[Any]], since_day: int) -> list[Total]:
    """Make totals of sheets, of which a consumer's come one after the other."""
    found: list[Total] = []
    for row in rows:
        total = _total(since_day, *row)
        if found and found[-1][:2] == row[:2]:
            total = _sum(found.pop(), total)
        found.append(total)
    found.sort(key=attrgetter("legacy"), reverse=True)
    return found


def _total(
    since_day: int, migration: str, consumer: str, names: str, days_: bytes, firsts: bytes, lasts: bytes, sums: bytes
) -> Total:
    """Add up the days since one; there is at least one. Unpacks no more of the sheet than it needs."""
    plan = _plan(names)
    width = plan.width
    days, summed = array(SHORT, days_), array(LONG if len(sums) > len(days_) * width else SHORT, sums)
    begin = bisect_left(days, since_day)
    before = summed[(begin - 1) * width : begin * width] if begin else None
    counts = [*(summed[-width:] if before is None else map(sub, summed[-width:], before)), 0]
    return Total(
        migration,
        consumer,
        counts[plan.legacy],
        counts[plan.successor],
        counts[plan.refused],
        counts[plan.legacy_failures],
        counts[plan.successor_failures],
        float(int.from_bytes(firsts[4 * begin : 4 * begin + 4], byteorder)),
        float(int.from_bytes(lasts[-4:], byteorder)),
        {endpoint: counts[at] for endpoint, at in plan.endpoints if counts[at]},
        Days(days[begin:], summed[begin * width :: width], before[0] if before else 0),
    )


def _sum(one: Total, later: Total) -> Total:
    """Add up two totals of one consumer, of different days."""
    endpoints = dict(one.endpoints)
    for endpoint, number in later.endpoints.items():
        endpoints[endpoint] = endpoints.get(endpoint, 0) + number
    return Total(
        one.migration,
        one.consumer,
        one.legacy + later.legacy,
        one.successor + later.successor,
        one.refused + later.refused,
        one.legacy_failures + later.legacy_failures,
        one.successor_failures + later.successor_failures,
        one.first,
        later.last,
        endpoints,
        one.days.followed_by(later.days),
    )


@lru_cache(maxsize=4096)
def _plan(text: str) -> Plan:
    """Return where to find what; most consumers call the same few endpoints, so most texts were seen before."""
    names = read_names(text)
    places = {name: at for at, name in enumerate(names)}
    return Plan(
        width=len(names),
        legacy=places.get("legacy", -1),
        successor=places.get("successor", -1),
        refused=places.get(REFUSED, -1),
        legacy_failures=places.get("legacy failures", -1),
        successor_failures=places.get("successor failures", -1),
        endpoints=[(name.removeprefix(ENDPOINT), at) for name, at in places.items() if name.startswith(ENDPOINT)],
    )
