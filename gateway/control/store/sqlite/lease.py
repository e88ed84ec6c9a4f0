"""Who leads, in the file."""

import sqlite3

from gateway.control.store.port import Lease
from gateway.control.store.sqlite.transaction import writing


def read(db: sqlite3.Connection, name: str) -> Lease | None:
    """Return who leads."""
    row = db.execute("SELECT holder, fence, beat FROM lease WHERE name = ?", (name,)).fetchone()
    return Lease(*row) if row else None


def swap(db: sqlite3.Connection, name: str, seen: Lease | None, wanted: Lease) -> bool:
    """Replace what was seen; return whether `wanted` is there now."""
    with writing(db):
        found = read(db, name)
        if found == seen:
            values = (name, wanted.holder, wanted.fence, wanted.beat)
            db.execute("REPLACE INTO lease (name, holder, fence, beat) VALUES (?, ?, ?, ?)", values)
    return found in {seen, wanted}
