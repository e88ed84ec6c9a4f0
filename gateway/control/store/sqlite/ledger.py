"""The ledger in the file: batches in, rows and totals out."""
# ruff: noqa: S608 - queries are put together from constants; values are parameters

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from gateway.control.store.sqlite.series import BLOCK, COUNT_BYTES, Series
from gateway.control.store.sqlite.total import Part, total
from gateway.control.store.sqlite.transaction import writing
from gateway.control.usage import Batch, Total, Usage

PAGE: Final = 200
"""Rows of the file read at once for `usage`: at most 25 600 days."""

type Key = tuple[str, str, str, str, str, int]
"""Migration, consumer, endpoint, side, profile, block: the file's order."""

BEGINNING: Final[Key] = ("", "", "", "", "", -1)
IS_KEY: Final = "migration = ? AND consumer = ? AND endpoint = ? AND side = ? AND profile = ? AND block = ?"
IS_SINCE: Final = f"block >= ?1 / {BLOCK} AND start + length(requests) / {COUNT_BYTES} > ?1"


def record(db: sqlite3.Connection, batch: Batch) -> None:
    """Add a batch, unless it is there already."""
    rows = sorted(((_key(row), row) for row in batch.rows), key=itemgetter(0))
    with writing(db):
        if _is_new(db, batch):
            for key, of_key in groupby(rows, key=itemgetter(0)):
                _add(db, key, [row for _, row in of_key])


def page(
    db: sqlite3.Connection, since_day: int, migration: str | None, after: Key | None
) -> tuple[Sequence[Usage], Key | None]:
    """Return some rows and where the next ones begin, None when there are no more."""
    begin = after or (migration or "", *BEGINNING[1:])
    where = f"{IS_SINCE} AND (migration, consumer, endpoint, side, profile, block) > (?2, ?3, ?4, ?5, ?6, ?7)"
    if migration is not None:
        where += " AND migration <= ?2"
    query = f"""
        SELECT migration, consumer, endpoint, side, profile, block, start, requests, failures, firsts, lasts FROM usage
        WHERE {where} ORDER BY migration, consumer, endpoint, side, profile, block LIMIT {PAGE}
    """
    found = db.execute(query, (since_day, *begin)).fetchall()
    rows = [row for packed in found for row in _rows(packed[:6], Series.unpack(packed[6:]), since_day)]
    return rows, found[-1][:6] if len(found) == PAGE else None


def totals(db: sqlite3.Connection, since_day: int, migration: str | None) -> Sequence[Total]:
    """Return each consumer's use since a day, most legacy calls first."""
    query = f"""
        SELECT migration, consumer, endpoint, side, start, requests, failures, firsts, lasts FROM usage
        WHERE {IS_SINCE} {"AND migration = ?2" if migration is not None else ""} ORDER BY migration, consumer
    """
    cursor = db.execute(query, (since_day, migration) if migration is not None else (since_day,))
    found = [
        total(name, consumer, [Part(*row[2:]) for row in rows], since_day)
        for (name, consumer), rows in groupby(cursor, key=itemgetter(0, 1))
    ]
    found.sort(key=lambda one: (-one.legacy, one.migration, one.consumer))
    return found


def forget(db: sqlite3.Connection, before_day: int) -> None:
    """Drop the days before this one."""
    gone = "(?1 - start)"
    with writing(db):
        db.execute(f"DELETE FROM usage WHERE start + length(requests) / {COUNT_BYTES} <= ?", (before_day,))
        db.execute(
            f"""
            UPDATE usage SET start = ?1,
                requests = substr(requests, 1 + {gone} * 8), failures = substr(failures, 1 + {gone} * 8),
                firsts = substr(firsts, 1 + {gone} * 4), lasts = substr(lasts, 1 + {gone} * 4)
            WHERE start < ?1
            """,
            (before_day,),
        )
        db.execute("DELETE FROM writer WHERE day < ?", (before_day,))


def _key(row: Usage) -> Key:
    return (row.migration, row.consumer, row.endpoint, row.side, row.profile, row.day // BLOCK)


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


def _add(db: sqlite3.Connection, key: Key, rows: Sequence[Usage]) -> None:
    query = f"SELECT start, requests, failures, firsts, lasts FROM usage WHERE {IS_KEY}"
    packed = db.execute(query, key).fetchone()
    series = Series.unpack(packed) if packed else Series.empty(rows[0].day)
    for row in rows:
        series.add(row)
    db.execute("REPLACE INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*key, *series.pack()))


def _rows(key: Key, series: Series, since_day: int) -> Iterator[Usage]:
    migration, consumer, endpoint, side, profile, _ = key
    for day, requests, failures, first, last in series.days(since_day):
        yield Usage(day, migration, endpoint, side, consumer, profile, requests, failures, first, last)
