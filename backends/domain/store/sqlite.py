"""The embedded driver: JSON documents in one SQLite file in WAL mode, which several processes may share.

Owns one connection and the one thread that may touch it. Writers take the write lock first (`BEGIN IMMEDIATE`), so that
a compare-and-set holds between processes too; a busy file is waited for, not reported.
"""
# ruff: noqa: S608 - names were checked by `sql.name`, values are parameters

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import batched
from pathlib import Path
from typing import Any

from backends.domain.store import Document, Filter, Sort, StoreUnreachableError
from backends.domain.store.indexes import INDEXES, Index
from backends.domain.store.sql import column, name, order_clause, where_clause

BUSY_SECONDS = 10.0
BATCH = 2000
"""Documents written under one lock: a few tens of milliseconds, so that the other process is not kept waiting."""


class SqliteStore:
    """A `Store` over one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-store")
        self._opened: sqlite3.Connection | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<SqliteStore {self._path}: {'closed' if self._closed else 'open'}>"

    async def prepare(self) -> None:
        await self._run(_create_all)

    async def get(self, collection: str, key: str) -> Document | None:
        found = await self.find(collection, {"_id": key}, limit=1)
        return found[0] if found else None

    async def find(
        self, collection: str, where: Filter | None = None, *, sort: Sort = (), skip: int = 0, limit: int = 0
    ) -> list[Document]:
        clause, values = where_clause(where)
        query = f"SELECT body FROM {name(collection)}{clause}{order_clause(sort)} LIMIT ? OFFSET ?"
        rows = [*values, limit or -1, skip]
        return await self._run(lambda db: [json.loads(body) for (body,) in db.execute(query, rows)])

    async def count(self, collection: str, where: Filter | None = None) -> int:
        clause, values = where_clause(where)
        query = f"SELECT count(*) FROM {name(collection)}{clause}"
        return await self._run(lambda db: int(db.execute(query, values).fetchone()[0]))

    async def insert(self, collection: str, document: Document) -> bool:
        return await self.insert_many(collection, [document]) == 1

    async def insert_many(self, collection: str, documents: Iterable[Document]) -> int:
        query = f"INSERT INTO {name(collection)} (_id, body) VALUES (?, ?) ON CONFLICT (_id) DO NOTHING"
        added = 0
        for batch in batched(documents, BATCH, strict=False):
            added += await self._run(partial(_insert, query=query, documents=batch))
        return added

    async def update(
        self, collection: str, where: Filter, changes: Mapping[str, Any], *, sort: Sort = ()
    ) -> Document | None:
        clause, values = where_clause(where)
        table = name(collection)
        query = f"SELECT _id, body FROM {table}{clause}{order_clause(sort)} LIMIT 1"
        return await self._run(lambda db: _update(db, table, query, values, changes))

    async def delete(self, collection: str, key: str, where: Filter | None = None) -> bool:
        clause, values = where_clause({**(where or {}), "_id": key})
        query = f"DELETE FROM {name(collection)}{clause}"
        return await self._run(lambda db: _write(db, query, values) == 1)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, lambda: work(self._connection()))
        except sqlite3.OperationalError as error:
            raise StoreUnreachableError(f"{self._path}: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = _connect(self._path)
        return self._opened

    def _disconnect(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _connect(path: str) -> sqlite3.Connection:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # The store's one thread makes and uses it; closing may come from the interpreter's shutdown.
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    _switch_to_wal(connection)
    # In WAL mode NORMAL cannot corrupt the file; a power cut may lose the last writes, which a demo's data can bear.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """The switch ignores the busy time-out while another process makes it, so it is repeated here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction that holds the write lock from its beginning; a plain one fails when its snapshot has aged."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _create_all(db: sqlite3.Connection) -> None:
    with _writing(db):
        for collection, indexes in INDEXES.items():
            table = name(collection)
            db.execute(f"CREATE TABLE IF NOT EXISTS {table} (_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID")
            for index in indexes:
                db.execute(_index(table, index))


def _index(table: str, index: Index) -> str:
    title = "_".join(("by", table, *(name(field) for field, _ in index)))
    columns = ", ".join(f"{column(field)} {'ASC' if way > 0 else 'DESC'}" for field, way in index)
    return f"CREATE INDEX IF NOT EXISTS {title} ON {table} ({columns})"


def _insert(db: sqlite3.Connection, *, query: str, documents: Iterable[Document]) -> int:
    rows = [(document["_id"], _text(document)) for document in documents]
    with _writing(db):
        return max(0, db.executemany(query, rows).rowcount)


def _update(
    db: sqlite3.Connection, table: str, query: str, values: list[Any], changes: Mapping[str, Any]
) -> Document | None:
    with _writing(db):
        row = db.execute(query, values).fetchone()
        if row is None:
            return None
        document: Document = {**json.loads(row[1]), **changes}
        db.execute(f"UPDATE {table} SET body = ? WHERE _id = ?", (_text(document), row[0]))
        return document


def _write(db: sqlite3.Connection, query: str, values: list[Any]) -> int:
    with _writing(db):
        return db.execute(query, values).rowcount


def _text(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
