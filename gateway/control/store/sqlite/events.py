"""Events in the file: numbered without gaps, each kept for good."""
# ruff: noqa: S608 - queries are put together from constants; values are parameters

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from gateway.control.event import Event
from gateway.control.store import text
from gateway.control.store.port import TakenError
from gateway.control.store.sqlite.transaction import writing

COLUMNS: Final = "number, at, migration, verb, who, why, before, after, fence"


def append(db: sqlite3.Connection, event: Event) -> None:
    """Keep an event; raises TakenError."""
    row = _row(event)
    with writing(db):
        last = db.execute("SELECT coalesce(max(number), 0) FROM event").fetchone()[0]
        if event.number == last + 1:
            db.execute(f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        elif db.execute(f"SELECT {COLUMNS} FROM event WHERE number = ?", row[:1]).fetchone() != row:
            raise TakenError(f"the last event is {last}, so {event.number} cannot be the next")


def after(db: sqlite3.Connection, number: int, limit: int) -> Sequence[Event]:
    """Return the events after a number, oldest first."""
    query = f"SELECT {COLUMNS} FROM event WHERE number > ? ORDER BY number LIMIT ?"
    return [_event(row) for row in db.execute(query, (number, limit))]


def history(db: sqlite3.Connection, migration: str | None, before: int | None, limit: int) -> Sequence[Event]:
    """Return the events before a number, newest first."""
    conditions = ["number < ?"] * (before is not None) + ["migration = ?"] * (migration is not None)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    values = [value for value in (before, migration, limit) if value is not None]
    query = f"SELECT {COLUMNS} FROM event {where} ORDER BY number DESC LIMIT ?"
    return [_event(row) for row in db.execute(query, values)]


def _row(event: Event) -> tuple[Any, ...]:
    return (
        event.number,
        float(event.at),
        event.migration,
        event.verb.value,
        event.who,
        event.why,
        text.dump(event.before),
        text.dump(event.after),
        event.fence,
    )


def _event(row: tuple[Any, ...]) -> Event:
    number, at, migration, verb, who, why, before, after_, fence = row
    return Event(number, at, migration, text.verb(verb), who, why, text.load(before), text.load(after_), fence)
