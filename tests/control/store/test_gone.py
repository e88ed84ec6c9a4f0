"""A store that is away says so soon, and works again when it is back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.control.store.opening import open_store
from gateway.control.store.port import Lease, Store, StoreError
from gateway.control.usage import Batch
from tests.control.store.nouns import DAY, event, sample, usage
from tests.support.fault_proxy import FaultProxy
from tests.support.mongo_wire import MongoWire
from tests.support.poll import until
from tests.support.port import free_port

SOON_SECONDS = 4.0

type Call = Callable[[Store], Awaitable[Any]]


async def _usage(store: Store) -> None:
    async for _ in store.usage(DAY):
        pass


CALLS: dict[str, Call] = {
    "open": lambda store: store.open(),
    "append": lambda store: store.append(event(1)),
    "events": lambda store: store.events(),
    "history": lambda store: store.history(None, None, 10),
    "record": lambda store: store.record(Batch("gw-1", 1, [usage()])),
    "usage": _usage,
    "totals": lambda store: store.totals(DAY),
    "busiest": lambda store: store.busiest(DAY, ["watchlist"], 10),
    "forget": lambda store: store.forget(DAY),
    "lease": lambda store: store.lease("controller"),
    "swap_lease": lambda store: store.swap_lease("controller", None, Lease("one", 1, 1)),
    "keep_samples": lambda store: store.keep_samples([sample(1.0)], 10),
    "samples": lambda store: store.samples("watchlist", 10),
}


@pytest.fixture
def no_folder(tmp_path: Path) -> str:
    """Where no file can be, because its folder is a file."""
    (tmp_path / "blocked").write_text("")
    return f"sqlite:///{tmp_path}/blocked/crossfade.db"


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_file_that_cannot_be_is_a_store_error(no_folder: str, call: Call) -> None:
    store = open_store(no_folder)

    with pytest.raises(StoreError, match=r"blocked/crossfade\.db"):
        await call(store)

    await store.close()


async def test_a_folder_that_comes_back_works_again(no_folder: str, tmp_path: Path) -> None:
    store = open_store(no_folder)
    with pytest.raises(StoreError):
        await store.open()

    (tmp_path / "blocked").unlink()

    await store.append(event(1))
    assert await store.events() == [event(1)]
    await store.close()


async def test_without_a_server_every_call_fails_soon() -> None:
    store = open_store(f"mongodb://127.0.0.1:{free_port()}/gone")

    assert await _slow_or_successful(store, CALLS) == []
    await store.close()


async def test_a_server_that_says_nothing_fails_every_call_soon(mongo_url: str) -> None:
    parts = urlsplit(mongo_url)
    assert parts.port is not None
    async with FaultProxy(parts.port) as proxy:
        store = open_store(parts._replace(netloc=urlsplit(proxy.origin).netloc).geturl())
        await store.append(event(1))
        proxy.faults.is_blackhole = True
        assert await _slow_or_successful(store, CALLS) == []

        proxy.faults.is_blackhole = False

        await until(lambda: _works(store), 20)
        assert await store.events() == [event(1)]
        await store.close()


async def _slow_or_successful(store: Store, calls: dict[str, Call]) -> list[str]:
    """Return the calls, made at once, that did not fail within the time."""
    begun = time.monotonic()
    outcomes = await asyncio.gather(*(_failed_at(call, store) for call in calls.values()))
    return [name for name, at in zip(calls, outcomes, strict=True) if at is None or at - begun > SOON_SECONDS]


async def _failed_at(call: Call, store: Store) -> float | None:
    try:
        await call(store)
    except StoreError:
        return time.monotonic()
    return None


async def test_a_server_that_comes_back_is_found_again() -> None:
    wire = MongoWire(free_port())
    store = open_store(urlsplit(wire.start())._replace(path="/back").geturl())
    await store.append(event(1))
    wire.close()
    with pytest.raises(StoreError):
        await store.events()

    again = MongoWire(wire.port)
    again.start()

    await until(lambda: _works(store), 20)
    await store.append(event(1))
    await store.close()
    again.close()


async def _works(store: Store) -> bool:
    try:
        await store.events()
    except StoreError:
        return False
    return True
