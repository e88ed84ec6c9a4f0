"""The file: kill -9, a full disk, somebody else's file, a later version's, a broken one."""
# ruff: noqa: ASYNC240 - small files of the tests' own

import asyncio
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.control.store.port import StoreError
from gateway.control.store.sqlite.driver import SqliteStore
from gateway.control.store.sqlite.layout import OURS
from gateway.control.usage import Batch
from tests.control.store.nouns import event, usage

ROOT = Path(__file__).parents[4]
WRITER = """
import asyncio, sys
from gateway.control.store.opening import open_store
from gateway.control.usage import Batch
from tests.control.store.nouns import event, usage

async def main():
    store = open_store(f"sqlite:///{sys.argv[1]}")
    for number in range(1, 100_000):
        await store.append(event(number))
        await store.record(Batch("gw-1", number, [usage()]))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crossfade.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path)
    await opened.open()
    yield opened
    await opened.close()


def test_kill_9_loses_nothing_that_was_acknowledged(path: Path) -> None:
    for _ in range(3):
        acknowledged = _write_and_kill(path)
        numbers, requests = _read(path)
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) - 1 <= requests <= len(numbers)
        assert requests >= acknowledged
        path.unlink()


def _write_and_kill(path: Path) -> int:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as one:
        assert one.stdout is not None
        for line in one.stdout:
            if int(line) == 20:
                break
        one.kill()
        return max([20, *(int(line) for line in one.stdout if line.endswith("\n"))])


def _read(path: Path) -> tuple[list[int], int]:
    """Return the events' numbers and the requests counted, as a new process finds them."""
    query = """
        import asyncio, sys
        from gateway.control.store.opening import open_store
        async def main():
            store = open_store(f"sqlite:///{sys.argv[1]}")
            events = await store.events()
            (total,) = await store.totals(0)
            print(total.legacy, *(event.number for event in events))
            await store.close()
        asyncio.run(main())
    """
    code = "\n".join(line.removeprefix("        ") for line in query.splitlines())
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=ROOT, check=True)
    requests, *numbers = (int(word) for word in done.stdout.split())
    return numbers, requests


async def test_a_full_disk_is_said_and_waited_for(store: SqliteStore) -> None:
    await store.append(event(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StoreError, match=r"crossfade\.db: (disk I/O error|database or disk is full)"):
            await store.append(event(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert await store.events() == [event(1)]
    await store.append(event(2))
    assert await store.events() == [event(1), event(2)]


async def test_a_file_that_may_only_be_read_is_said(store: SqliteStore, path: Path) -> None:
    await store.append(event(1))
    await store.close()
    # Bytes 18 and 19 name the versions that may write and read it; permissions would not stop root.
    content = bytearray(path.read_bytes())
    content[18] = 3
    path.write_bytes(content)
    later = SqliteStore(path)

    with pytest.raises(StoreError, match="readonly database"):
        await later.append(event(2))
    await later.close()


def _scribble(path: Path) -> None:
    path.write_bytes(b"This is not a database. " * 100)


def _later(path: Path) -> None:
    SQL.run(path, f"PRAGMA application_id = {OURS}", "PRAGMA user_version = 99")


def _foreign(path: Path) -> None:
    SQL.run(path, "CREATE TABLE users (id)")


def _named(path: Path) -> None:
    SQL.run(path, "PRAGMA application_id = 7")


class SQL:
    @staticmethod
    def run(path: Path, *statements: str) -> None:
        db = sqlite3.connect(path)
        for statement in statements:
            db.execute(statement)
        db.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_scribble, "file is not a database"),
        (_later, r"later version of Crossfade \(layout 99, this one knows 1\)"),
        (_foreign, "another program"),
        (_named, "another program"),
    ],
)
async def test_a_file_that_is_not_ours_is_refused_untouched(
    path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(path)
    before = path.read_bytes()
    store = SqliteStore(path)
    for _ in range(2):
        with pytest.raises(StoreError, match=rf"crossfade\.db: .*{reason}"):
            await store.open()
    await store.close()

    assert path.read_bytes() == before


async def test_many_may_make_the_file_at_once(tmp_path: Path) -> None:
    for attempt in range(20):
        stores = [SqliteStore(tmp_path / f"{attempt}.db") for _ in range(6)]
        try:
            await asyncio.gather(*(store.open() for store in stores))
        finally:
            for store in stores:
                await store.close()


async def test_a_damaged_file_is_said(store: SqliteStore, path: Path) -> None:
    for number in range(1, 200):
        await store.append(event(number))
    await store.close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // 8192 * 8192])
    damaged = SqliteStore(path)

    with pytest.raises(StoreError, match=r"malformed|disk I/O"):
        await damaged.events()
        await damaged.append(event(200))
    await damaged.close()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_file_taken_away_under_the_gateway_is_said_once(
    store: SqliteStore, path: Path, tmp_path: Path, is_replaced: bool
) -> None:
    await store.append(event(1))
    backup = tmp_path / "backup.db"
    if is_replaced:
        SQL.run(path, f"VACUUM INTO '{backup}'")
    await store.append(event(2))
    for one in path.parent.glob("crossfade.db*"):
        one.unlink()
    if is_replaced:
        shutil.move(backup, path)

    with pytest.raises(StoreError, match="removed or replaced"):
        await store.append(event(3))

    assert await store.events() == ([event(1)] if is_replaced else [])


async def test_a_file_that_another_process_holds_is_waited_for(store: SqliteStore, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ["ROLLBACK"])
    release.start()

    await store.append(event(1))

    release.join()
    other.close()


async def test_only_its_owner_may_read_a_new_file(store: SqliteStore, path: Path) -> None:
    await store.record(Batch("gw-1", 1, [usage()]))

    files = [path, *path.parent.glob("crossfade.db-*")]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


async def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteStore(path)
    await store.close()
    await store.close()

    with pytest.raises(StoreError, match="closed"):
        await store.events()
