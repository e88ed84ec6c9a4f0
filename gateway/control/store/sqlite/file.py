"""One SQLite file, one connection to it, and the one thread that may touch it.

Whatever goes wrong becomes a StoreError that names the file; the connection is then made anew by the next call, so that
a file which was away, full or locked works again by itself.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from gateway.control.store.port import StoreError
from gateway.control.store.sqlite.layout import prepare

BUSY_SECONDS: Final = 2.5
"""How long another process's transaction is waited for."""
CACHE_KIB: Final = 8192
LOG_BYTES: Final = 32 * 2**20
"""What SQLite's own log shrinks back to after a large batch."""

type Place = tuple[int, int]


class File:
    """Runs work on the file, one piece after the other. Several may share a file; SQLite keeps them apart."""

    def __init__(self, path: Path, thread: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=thread)
        self._db: sqlite3.Connection | None = None
        self._place: Place | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "idle" if self._db is None else "open"
        return f"<File {self._path}: {state}>"

    async def run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work on the file's own thread; raises StoreError."""
        if self._is_closed:
            raise StoreError(f"{self._path}: closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    async def close(self) -> None:
        """Let go of the file; may be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _do[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection())
        except (sqlite3.Error, OSError, StoreError) as error:
            self._disconnect()
            raise StoreError(f"{self._path}: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _connect(self._path)
            self._place = _place(self._path)
        elif self._place != _place(self._path):
            # What is written to a file without a name, or beside its successor, is lost at the next start.
            raise StoreError("has been removed or replaced under the running gateway")
        return self._db

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)  # who calls what is nobody else's business
    # The file's one thread makes and uses it; the interpreter's end may close it from another.
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _settle(db)
    except BaseException:
        db.close()
        raise
    return db


def _settle(db: sqlite3.Connection) -> None:
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    # What was acknowledged is on the disk, and survives kill -9 and a power cut.
    db.execute("PRAGMA synchronous = FULL")
    prepare(db)


def _place(path: Path) -> Place | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
