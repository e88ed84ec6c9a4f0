"""Who finds no free connection waits in order, for a bounded time, behind a bounded number of others."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.support.child import OPS, Child, gateway_process
from tests.support.client import RawClient, ask, connected
from tests.support.gateway import plain
from tests.support.poll import until
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream

QUEUE = 1024
OVER = 40
LIMITS = "\n  limits: {connections: 2000}"
REQUEST = b"GET /api/%d HTTP/1.1\r\nHost: a\r\n\r\n"


class Gate:
    """An upstream that answers nobody until it is opened, then everybody at once."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, _received: Received, peer: Peer) -> bool:
        await self.opened.wait()
        await peer.send(OK)
        return True


@asynccontextmanager
async def _narrow(folder: Path, gate: Gate, patience: str) -> AsyncIterator[tuple[ScriptedUpstream, Child]]:
    """Run a gateway with one single connection to its upstream."""
    upstream = f"    max_connections: 1\n    connect_timeout: {patience}"
    async with (
        ScriptedUpstream(gate) as v1,
        gateway_process(folder, plain(v1.origin, server=LIMITS, upstream=upstream)) as child,
    ):
        yield v1, child


async def _queued(child: Child, count: int) -> None:
    async def is_queued() -> bool:
        return await child.metric('crossfade_upstream_connections{state="queued",upstream="v1"}') == count

    await until(is_queued)


async def _clients(stack: AsyncExitStack, child: Child, numbers: range) -> list[RawClient]:
    """Connect and ask, one after the other."""
    clients = []
    for number in numbers:
        clients.append(await stack.enter_async_context(connected(child.public)))
        await clients[-1].send(REQUEST % number)
    return clients


async def test_as_many_wait_as_the_queue_holds_and_further_ones_are_told_at_once(tmp_path: Path) -> None:
    gate = Gate()
    async with _narrow(tmp_path, gate, "30s") as (v1, child), AsyncExitStack() as stack:
        clients = await _clients(stack, child, range(1 + QUEUE))
        await _queued(child, QUEUE)
        for client in await _clients(stack, child, range(OVER)):
            async with asyncio.timeout(1):
                refused = await client.answer()
            assert (refused.status, refused.json()["type"]) == (503, "urn:crossfade:problem:overloaded")
        status = (await ask(child.admin, "/api/status", fields=OPS)).json()["upstreams"]["v1"]
        assert (status["active"], status["queued"]) == (1, QUEUE)
        gate.opened.set()
        async with asyncio.timeout(20):
            assert {(await client.answer()).status for client in clients} == {200}
        assert v1.connections == 1


async def test_who_waits_is_served_in_order(tmp_path: Path) -> None:
    gate = Gate()
    async with _narrow(tmp_path, gate, "30s") as (v1, child), AsyncExitStack() as stack:
        clients = []
        for number in range(20):
            clients += await _clients(stack, child, range(number, number + 1))
            await _queued(child, number)
        gate.opened.set()
        async with asyncio.timeout(10):
            assert {(await client.answer()).status for client in clients} == {200}
        assert [received.line.split(" ")[1] for received in v1.received] == [f"/api/{number}" for number in range(20)]


async def test_who_waits_for_too_long_is_503_and_who_leaves_is_forgotten(tmp_path: Path) -> None:
    gate = Gate()
    async with _narrow(tmp_path, gate, "500ms") as (v1, child), AsyncExitStack() as stack:
        first, patient, leaver = await _clients(stack, child, range(3))
        await _queued(child, 2)
        leaver.leave()
        await _queued(child, 1)
        started = time.monotonic()
        assert (await patient.answer()).status == 503
        assert time.monotonic() - started < 2
        gate.opened.set()
        assert (await first.answer()).status == 200
        assert len(v1.received) == 1
