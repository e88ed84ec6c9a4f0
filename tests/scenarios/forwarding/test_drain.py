"""After SIGTERM everything that is open is finished, and the process ends with 0."""

import asyncio
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from tests.support.child import Child, gateway_process
from tests.support.client import RawClient, ask, connected
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.poll import until
from tests.support.soon import soon
from tests.support.upstream import Peer, Received, ScriptedUpstream


async def _is_draining(child: Child) -> bool:
    try:
        return (await ask(child.admin, "/readyz")).status == 503
    except OSError:
        return True


async def test_a_drain_finishes_30_of_30_slow_requests(tmp_path: Path) -> None:
    async with Echo(lambda _request: 1.0) as v1, AsyncExitStack() as stack:
        child = await stack.enter_async_context(gateway_process(tmp_path, plain(v1.origin)))
        clients = [await stack.enter_async_context(connected(child.public)) for _ in range(30)]
        idle = await stack.enter_async_context(connected(child.public))
        for number, client in enumerate(clients):
            await client.send(b"POST /api/%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" % number)
        assert await soon(lambda: len(v1.arrived) == 30)
        child.signal(signal.SIGTERM)
        answers = [await client.answer() for client in clients]
        assert [answer.json()["target"] for answer in answers] == [f"/api/{number}" for number in range(30)]
        assert {answer.get("Connection") for answer in answers} == {"close"}
        assert await idle.at_end()
        assert await child.ended() == 0


async def test_a_drain_lets_a_stream_and_an_upload_end(tmp_path: Path) -> None:
    resume = asyncio.Event()

    async def script(received: Received, peer: Peer) -> bool:
        if received.line.startswith("GET"):
            await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
            await resume.wait()
            await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")
        else:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(received.body) + received.body)
        return True

    async with (
        ScriptedUpstream(script) as v1,
        gateway_process(tmp_path, plain(v1.origin)) as child,
        connected(child.public) as stream,
        connected(child.public) as upload,
    ):
        await stream.send(b"GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await stream.head())[0] == 200
        await upload.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhal")
        await asyncio.sleep(0.05)
        child.signal(signal.SIGTERM)
        await until(lambda: _is_draining(child))
        await upload.send(b"ves")
        assert (await upload.answer()).body == b"halves"
        resume.set()
        assert [await stream.chunk() for _ in range(3)] == [b"one", b"two", b""]
        assert await child.ended() == 0


async def test_a_draining_gateway_accepts_nobody_new(tmp_path: Path) -> None:
    async with (
        Echo(lambda _request: 1.0) as v1,
        gateway_process(tmp_path, plain(v1.origin)) as child,
        connected(child.public) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await soon(lambda: len(v1.arrived) == 1)
        child.signal(signal.SIGTERM)
        await until(lambda: _is_draining(child))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", child.public)
        assert (await client.answer()).status == 200


async def test_a_request_that_outlasts_the_drain_is_cut(tmp_path: Path) -> None:
    async with (
        Echo(lambda _request: 60.0) as v1,
        gateway_process(tmp_path, plain(v1.origin, server="\n  drain: 500ms")) as child,
        connected(child.public) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await soon(lambda: len(v1.arrived) == 1)
        child.signal(signal.SIGTERM)
        assert await child.ended(5) == 0
        await _assert_no_success(client)


async def _assert_no_success(client: RawClient) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        assert (await client.answer()).status == 503
