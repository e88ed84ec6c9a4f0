"""Slow heads, slow bodies, slow readers and idle connections are each timed out; nobody else notices."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.core.tasks import cancel_all, spawn
from gateway.server.gateway import Gateway
from tests.support.client import RawClient, ask, connected
from tests.support.echo import Echo
from tests.support.gateway import plain, running
from tests.support.soon import soon

LIMITS = "\n  limits: {header_timeout: 300ms, body_timeout: 300ms, keep_alive: 300ms}"
MOST_SECONDS = 4
"""A coarse timer may be a second or two late."""
HUGE = 256 << 20


@pytest.fixture
async def v1() -> AsyncIterator[Echo]:
    async with Echo() as echo:
        yield echo


@pytest.fixture
async def gateway(v1: Echo, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running(tmp_path, plain(v1.origin, server=LIMITS)) as gateway:
        yield gateway


async def _drip(client: RawClient, data: bytes) -> None:
    """Send a byte now and then, for as long as anyone listens."""
    with suppress(ConnectionError):
        for number in range(200):
            await client.send(data[number : number + 1] or b"a")
            await asyncio.sleep(0.05)


async def _dripped(client: RawClient, data: bytes) -> int:
    """Return the status that comes while dripping; 0 for a closed connection."""
    tasks: set[asyncio.Task[None]] = set()
    spawn(_drip(client, data), name="drip", owner=tasks)
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return await _status(client)
    finally:
        await cancel_all(tasks)


async def _status(client: RawClient) -> int:
    try:
        answer = await client.answer()
        assert await client.at_end()
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    return answer.status


async def test_a_head_that_drips_is_answered_with_408(gateway: Gateway, v1: Echo) -> None:
    async with connected(gateway.public_port) as client:
        assert await _dripped(client, b"GET /api/x HTTP/1.1\r\nHost: a\r\nX-Long: ") == 408
    assert not v1.arrived


async def test_a_head_that_stops_is_answered_with_408(gateway: Gateway) -> None:
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\n")
        async with asyncio.timeout(MOST_SECONDS):
            assert await _status(client) == 408


async def test_a_body_that_stops_is_answered_with_408(gateway: Gateway, v1: Echo) -> None:
    async with connected(gateway.public_port) as client:
        await client.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        async with asyncio.timeout(MOST_SECONDS):
            assert await _status(client) == 408
    assert not v1.arrived
    assert await soon(lambda: not v1.links), "the half request's connection must not be used again"


async def test_a_chunked_body_that_stops_is_answered_with_408(gateway: Gateway, v1: Echo) -> None:
    async with connected(gateway.public_port) as client:
        await client.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhe")
        async with asyncio.timeout(MOST_SECONDS):
            assert await _status(client) == 408
    assert not v1.arrived
    assert await soon(lambda: not v1.links)


async def test_a_connection_that_never_asks_is_closed(gateway: Gateway) -> None:
    async with connected(gateway.public_port) as client:
        async with asyncio.timeout(MOST_SECONDS):
            assert await _status(client) in {0, 408}


async def test_an_idle_kept_connection_is_closed_without_a_word(gateway: Gateway) -> None:
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).status == 200
        async with asyncio.timeout(MOST_SECONDS):
            assert await client.at_end()


async def test_a_slow_answer_is_no_idle_connection(gateway: Gateway, v1: Echo) -> None:
    v1.plan = lambda _request: 1.5
    answer = await ask(gateway.public_port, "/api/x")
    assert (answer.status, answer.is_complete) == (200, True)


async def test_a_client_that_does_not_read_is_cut_and_its_upstream_freed(gateway: Gateway, v1: Echo) -> None:
    v1.plan = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE + bytes(HUGE)
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await soon(lambda: bool(v1.arrived))
        assert await soon(lambda: not v1.links, MOST_SECONDS)
        assert not (await client.answer()).is_complete


async def test_a_client_that_reads_slowly_but_steadily_gets_everything(gateway: Gateway, v1: Echo) -> None:
    size = 8 << 20
    v1.plan = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.public_port, limit=1 << 16)
    try:
        writer.write(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        got = 0
        while got < size and (data := await reader.read(1 << 18)):
            got += len(data)
            await asyncio.sleep(0.02)
        assert got == size
    finally:
        writer.transport.abort()
