"""`Expect: 100-continue` works end to end: no body is asked for before somebody agreed to take it."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.client import RawClient, connected
from tests.support.gateway import plain, running
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream

HEAD = b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"


class Waiting:
    """An upstream of one connection that reads a head, says something, and then wants the body."""

    def __init__(self, says: bytes) -> None:
        self._says = says
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.early: bytes | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            if b"100-continue" in head.lower():
                writer.write(self._says)
            if self._says.startswith(b"HTTP/1.1 100"):
                self.bodies.append(await reader.readexactly(5))
                writer.write(OK)
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _start(upstream: Waiting) -> tuple[asyncio.Server, str]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _statuses(client: RawClient) -> list[int]:
    """Return the statuses up to the final one."""
    found = [(await client.head())[0]]
    while found[-1] == 100:
        found.append((await client.head())[0])
    return found


async def test_the_body_follows_the_100(tmp_path: Path) -> None:
    upstream = Waiting(b"HTTP/1.1 100 Continue\r\n\r\n")
    server, origin = await _start(upstream)
    async with server, running(tmp_path, plain(origin)) as gateway, connected(gateway.public_port) as client:
        async with asyncio.timeout(5):
            await client.send(HEAD % 5)
            assert (await client.head())[0] == 100
            await client.send(b"hello")
            assert (await client.answer()).status == 200
        assert upstream.bodies == [b"hello"]
        client.leave()


async def test_a_body_that_did_not_wait_arrives_too(tmp_path: Path) -> None:
    upstream = Waiting(b"HTTP/1.1 100 Continue\r\n\r\n")
    server, origin = await _start(upstream)
    async with server, running(tmp_path, plain(origin)) as gateway, connected(gateway.public_port) as client:
        async with asyncio.timeout(5):
            await client.send(HEAD % 5 + b"hello")
            assert (await _statuses(client))[-1] == 200
        assert upstream.bodies == [b"hello"]


@pytest.mark.parametrize("status", [b"413 Too Large", b"417 No", b"401 Who"])
async def test_an_upstreams_refusal_comes_in_place_of_the_100(tmp_path: Path, status: bytes) -> None:
    upstream = Waiting(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    server, origin = await _start(upstream)
    async with server, running(tmp_path, plain(origin)) as gateway, connected(gateway.public_port) as client:
        async with asyncio.timeout(5):
            await client.send(HEAD % 5)
            assert await _statuses(client) == [int(status[:3])]


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (HEAD % (11 << 20), 413),
        (HEAD.replace(b"/api/x", b"/nowhere") % 5, 404),
        (HEAD.replace(b"/api/x", b"/closed") % 5, 401),
    ],
    ids=["too large", "unknown", "unauthenticated"],
)
async def test_what_we_refuse_ourselves_is_never_asked_for(tmp_path: Path, request_head: bytes, status: int) -> None:
    closed = '  - {name: closed, match: "/closed", upstream: v1, auth: required}\n'
    jwt = "auth:\n  jwt:\n    keys: [{alg: HS256, secret: a secret of more than thirty-two bytes}]\n    issuer: tacn\n"
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin, rest=closed + jwt)) as gateway:
        async with connected(gateway.public_port) as client:
            async with asyncio.timeout(5):
                await client.send(request_head)
                assert await _statuses(client) == [status]
        assert not v1.received


async def test_after_a_refusal_the_unsent_body_is_not_read_as_a_request(tmp_path: Path) -> None:
    async def script(received: Received, peer: Peer) -> bool:
        await peer.send(OK)
        return True

    smuggled = b"GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        async with connected(gateway.public_port) as client:
            async with asyncio.timeout(5):
                await client.send(HEAD.replace(b"/api/x", b"/nowhere") % len(smuggled))
                assert (await client.answer()).status == 404
                await _try_to_send(client, smuggled)
                await _until_end_or_answer(client)
        assert not v1.received


async def _try_to_send(client: RawClient, data: bytes) -> None:
    with suppress(ConnectionError):
        await client.send(data)


async def _until_end_or_answer(client: RawClient) -> None:
    try:
        async with asyncio.timeout(0.3):
            await client.at_end()
    except TimeoutError:
        pass
