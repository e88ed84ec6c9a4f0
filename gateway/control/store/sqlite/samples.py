"""Samples of shadow traffic in the file."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.control.store import text
from gateway.control.store.port import Sample
from gateway.control.store.sqlite.transaction import writing

TRIM: Final = """
    DELETE FROM sample WHERE migration = ?1 AND digest NOT IN
        (SELECT digest FROM sample WHERE migration = ?1 ORDER BY at DESC, digest LIMIT ?2)
"""


def keep(db: sqlite3.Connection, samples: Sequence[Sample], most: int) -> None:
    """Keep samples, at most so many of each migration."""
    rows = [(*_texts(one), one.migration, float(one.at), one.endpoint) for one in samples]
    with writing(db):
        db.executemany(
            "INSERT INTO sample (fields, detail, digest, migration, at, endpoint) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            rows,
        )
        db.executemany(TRIM, [(migration, most) for migration in {one.migration for one in samples}])


def newest(db: sqlite3.Connection, migration: str, limit: int) -> Sequence[Sample]:
    """Return a migration's samples, newest first."""
    query = "SELECT at, endpoint, fields, detail FROM sample WHERE migration = ? ORDER BY at DESC, digest LIMIT ?"
    return [
        Sample(at, migration, endpoint, text.load(fields), text.load(detail))
        for at, endpoint, fields, detail in db.execute(query, (migration, limit))
    ]


def _texts(one: Sample) -> tuple[str, str, str]:
    fields, detail = text.dump(list(one.fields)), text.dump(one.detail)
    return fields, detail, text.digest(float(one.at), one.migration, one.endpoint, fields, detail)
