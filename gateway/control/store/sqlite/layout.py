"""The tables of the file, and what makes sure that a file has them.

Who called what is one row for each caller, endpoint and side (`usage`), and one more for each consumer of a migration
(`consumer`), which reports are made from. A row has up to 128 days, its `block`: with a row for each day there would be
thirty times as many in a month, which no report reads in two seconds.
"""

import sqlite3
import time
from typing import Final

from gateway.control.store.port import StoreError
from gateway.control.store.sqlite.transaction import reading, writing

OURS: Final = 0x43524F53
"""SQLite's application id: this file is Crossfade's."""
VERSION: Final = 1
SWITCH_SECONDS: Final = 2.5

SHEET: Final = "names TEXT NOT NULL, days BLOB NOT NULL, firsts BLOB NOT NULL, lasts BLOB NOT NULL, sums BLOB NOT NULL"

TABLES: Final = (
    """
    CREATE TABLE event (
        number INTEGER PRIMARY KEY, at REAL NOT NULL, migration TEXT NOT NULL, verb TEXT NOT NULL, who TEXT NOT NULL,
        why TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, fence INTEGER
    ) STRICT
    """,
    "CREATE INDEX event_by_migration ON event (migration, number)",
    f"""
    CREATE TABLE usage (
        id INTEGER PRIMARY KEY, migration TEXT NOT NULL, consumer TEXT NOT NULL, endpoint TEXT NOT NULL,
        side TEXT NOT NULL, profile TEXT NOT NULL, block INTEGER NOT NULL,
        first_day INTEGER NOT NULL, last_day INTEGER NOT NULL, {SHEET}
    ) STRICT
    """,
    f"""
    CREATE TABLE consumer (
        id INTEGER PRIMARY KEY, migration TEXT NOT NULL, consumer TEXT NOT NULL, block INTEGER NOT NULL,
        first_day INTEGER NOT NULL, last_day INTEGER NOT NULL, {SHEET}
    ) STRICT
    """,
    "CREATE UNIQUE INDEX usage_key ON usage (migration, consumer, endpoint, side, profile, block)",
    "CREATE UNIQUE INDEX consumer_key ON consumer (migration, consumer, block)",
    # For what is forgotten, day by day.
    "CREATE INDEX usage_by_first_day ON usage (first_day)",
    "CREATE INDEX consumer_by_first_day ON consumer (first_day)",
    "CREATE TABLE writer (name TEXT PRIMARY KEY, batch INTEGER NOT NULL, day INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE lease (
        name TEXT PRIMARY KEY, holder TEXT NOT NULL, fence INTEGER NOT NULL, beat INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE sample (
        digest TEXT PRIMARY KEY, migration TEXT NOT NULL, at REAL NOT NULL, endpoint TEXT NOT NULL,
        fields TEXT NOT NULL, detail TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX sample_by_migration ON sample (migration, at)",
)


def prepare(db: sqlite3.Connection) -> None:
    """Make what is missing; raises StoreError for a file that is another program's, or a later version's."""
    with reading(db):  # all that tells at once: a file that another process is just making is not half seen
        was_current = _is_current(db)
    if not was_current:
        _switch_to_wal(db)
        with writing(db):
            if not _is_current(db):  # another process may have been quicker
                _create(db)


def _is_current(db: sqlite3.Connection) -> bool:
    owner, version = _pragma(db, "application_id"), _pragma(db, "user_version")
    if owner != OURS and (owner or db.execute("SELECT 1 FROM sqlite_schema").fetchone()):
        raise StoreError("is the database of another program")
    if version > VERSION:
        raise StoreError(f"was written by a later version of Crossfade (layout {version}, this one knows {VERSION})")
    return version == VERSION


def _create(db: sqlite3.Connection) -> None:
    for statement in TABLES:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {OURS}")
    db.execute(f"PRAGMA user_version = {VERSION}")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def _switch_to_wal(db: sqlite3.Connection) -> None:
    """SQLite does not wait for another process that does the same, so it is repeated here."""
    deadline = time.monotonic() + SWITCH_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
