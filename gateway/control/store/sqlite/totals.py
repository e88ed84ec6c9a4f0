"""Each consumer's total, from its own row of the file: as quick with twenty endpoints as with one, nearly."""

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter, sub
from sys import byteorder
from typing import Final, NamedTuple

from gateway.control.store.sqlite.sheet import COLUMNS, LONG, SHORT, read_names
from gateway.control.usage import Days, Total, Usage

ALL: Final = "requests"
"""The first name of each consumer's sheet."""
REFUSED: Final = "refused"
FAILURES: Final = " failures"
ENDPOINT: Final = "@"
"""Begins the name of an endpoint's count."""


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
    query = f"SELECT migration, consumer, {', '.join(COLUMNS)} FROM consumer WHERE last_day >= ?"  # noqa: S608 - constants
    if migration is None:
        rows = db.execute(query, (since_day,))
    else:
        rows = db.execute(f"{query} AND migration = ?", (since_day, migration))
    found = [_total(since_day, *row) for row in rows]
    # Two sorts by what is there beat one by keys that are made for it.
    found.sort(key=attrgetter("migration", "consumer"))
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
