"""The ledger in the file: batches in, rows out. Each row is counted twice: as it is, and for its consumer."""
# ruff: noqa: S608 - queries are put together from constants; values are parameters

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import batched, chain
from operator import attrgetter, itemgetter
from typing import Any, Final

from gateway.control.store.sqlite.sheet import BLOCK, COLUMNS, block, empty, unpack
from gateway.control.store.sqlite.totals import counted
from gateway.control.store.sqlite.transaction import writing
from gateway.control.usage import Batch, Usage

PAGE: Final = 200
"""Rows of the file read at once for `usage`, each of as many days as are kept."""
CUT: Final = 1000
"""Rows of the file shortened in one transaction, so that nobody else waits long."""

SHEET: Final = ", ".join(COLUMNS)

GROW: Final = f"UPDATE {{table}} SET last_day = ?, {', '.join(f'{name} = ?' for name in COLUMNS)} WHERE id = ?"
"""Leaves the first day alone, and with it the index by first days."""
UPDATE: Final = GROW.replace("last_day", "first_day = ?, last_day")

TOGETHER: Final = 32
"""Sheets that are read and written by one statement."""

type Values = Sequence[str | int | bytes]
type Count = Callable[[Usage], Mapping[str, int]]
"""Says what of a row is counted, under which names."""

type Key = tuple[str | int, ...]
"""Migration, consumer, endpoint, side, profile, block: the order in which rows are read."""

KEYS: Final = {
    "usage": ("migration", "consumer", "endpoint", "side", "profile", "block"),
    "consumer": ("migration", "consumer", "block"),
}


def record(db: sqlite3.Connection, batch: Batch) -> None:
    """Add a batch, unless it is there already."""
    rows = [row for row in batch.rows if row.requests or row.failures]
    with writing(db):
        if _is_new(db, batch):
            _add(db, "usage", _by_key(rows, "usage"), lambda row: {"requests": row.requests, "failures": row.failures})
            _add(db, "consumer", _by_key(rows, "consumer"), counted)


def page(
    db: sqlite3.Connection, since_day: int, migration: str | None, after: Key | None
) -> tuple[Sequence[Usage], Key | None]:
    """Return some rows and where the next ones begin, None when there are no more."""
    begin = after or (migration or "", "", "", "", "", -1)
    key = ", ".join(KEYS["usage"])
    where = f"last_day >= ?1 AND block >= ?1 / {BLOCK} AND ({key}) > (?2, ?3, ?4, ?5, ?6, ?7)"
    if migration is not None:
        where += " AND migration <= ?2"
    query = f"SELECT {key}, {SHEET} FROM usage WHERE {where} ORDER BY {key} LIMIT {PAGE}"
    found = db.execute(query, (since_day, *begin)).fetchall()
    rows = [row for one in found for row in _rows(one[:6], one[6:], since_day)]
    return rows, found[-1][:6] if len(found) == PAGE else None


def forget(db: sqlite3.Connection, before_day: int) -> bool:
    """Drop some of the days before this one; return whether that is all."""
    with writing(db):
        db.execute("DELETE FROM writer WHERE day < ?", (before_day,))
        left = [table for table in KEYS if not _cut(db, table, before_day)]
    return not left


def _is_new(db: sqlite3.Connection, batch: Batch) -> bool:
    """Note that a batch is applied; return False when it was."""
    day = max((row.day for row in batch.rows), default=0)
    noted = db.execute(
        """
        INSERT INTO writer (name, batch, day) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET batch = excluded.batch, day = max(day, excluded.day)
        WHERE batch < excluded.batch
        """,
        (batch.writer, batch.number, day),
    )
    return noted.rowcount == 1


def _add(db: sqlite3.Connection, table: str, rows: Mapping[Key, Sequence[Usage]], counts: Count) -> None:
    for some in batched(rows.items(), TOGETHER, strict=False):
        _add_some(db, table, some, counts)


def _add_some(db: sqlite3.Connection, table: str, rows: Sequence[tuple[Key, Sequence[Usage]]], counts: Count) -> None:
    """Add to some sheets, which are read at once and written at once: by itself each statement costs twice as much."""
    asked = tuple(chain.from_iterable(key for key, _ in rows))
    known = {at: found for at, *found in db.execute(_select(table, len(rows)), asked)}
    new, grown, earlier = list[Values](), list[Values](), list[Values]()
    for at, (key, some) in enumerate(rows):
        number, *packed = known.get(at) or (None,)
        sheet = unpack(*packed) if packed else empty()
        since = sheet.days[0] if packed else None
        for row in some:
            sheet.count(row.day, row.first, row.last, counts(row))
        first_day, last_day, columns = sheet.days[0], sheet.days[-1], sheet.pack()
        if number is None:
            new.append((*key, first_day, last_day, *columns))
        elif first_day == since:
            grown.append((last_day, *columns, number))
        else:
            earlier.append((first_day, last_day, *columns, number))
    db.executemany(_insert(table), new)
    db.executemany(GROW.format(table=table), grown)
    db.executemany(UPDATE.format(table=table), earlier)


@cache
def _select(table: str, count: int) -> str:
    """Return what finds the sheets of so many keys, with the place of each."""
    columns = KEYS[table]
    keys = ", ".join(f"({at}{', ?' * len(columns)})" for at in range(count))
    found = " AND ".join(f"{name} = wanted.column{place}" for place, name in enumerate(columns, 2))
    return f"SELECT wanted.column1, id, {SHEET} FROM (VALUES {keys}) AS wanted CROSS JOIN {table} WHERE {found}"


@cache
def _insert(table: str) -> str:
    columns = (*KEYS[table], "first_day", "last_day", *COLUMNS)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _by_key(rows: Iterable[Usage], table: str) -> Mapping[Key, Sequence[Usage]]:
    """Return the rows of each key, in the file's order, so that neighbours are written together."""
    texts = attrgetter(*KEYS[table][:-1])
    found: dict[Key, list[Usage]] = {}
    for row in rows:
        found.setdefault((*texts(row), block(row.consumer, row.day)), []).append(row)
    return dict(sorted(found.items(), key=itemgetter(0)))


def _rows(key: Sequence[Any], packed: Sequence[Any], since_day: int) -> Iterator[Usage]:
    migration, consumer, endpoint, side, profile, _ = key
    sheet = unpack(*packed)
    columns = (sheet.days, sheet.counted("requests"), sheet.counted("failures"), sheet.firsts, sheet.lasts)
    for day, requests, failures, first, last in zip(*columns, strict=True):
        if day >= since_day:
            who = (migration, endpoint, side, consumer, profile)
            yield Usage(day, *who, requests, failures, float(first), float(last))


def _cut(db: sqlite3.Connection, table: str, before_day: int) -> bool:
    """Shorten some rows; return whether none are left that need it."""
    db.execute(f"DELETE FROM {table} WHERE first_day < ?1 AND last_day < ?1", (before_day,))
    query = f"SELECT id, last_day, {SHEET} FROM {table} WHERE first_day < ? LIMIT {CUT}"
    rows = db.execute(query, (before_day,)).fetchall()
    for number, last_day, *packed in rows:
        sheet = unpack(*packed)
        sheet.cut(before_day)
        db.execute(UPDATE.format(table=table), (sheet.days[0], last_day, *sheet.pack(), number))
    return len(rows) < CUT
