"""Routes with `upgrade: true` are tunnelled once the upstream agrees; others never switch protocols."""

import asyncio
from pathlib import Path

import pytest

from tests.support.client import connected
from tests.support.gateway import plain, running
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream

ROUTE = '  - {name: tunnel, match: "/tunnel/{rest*}", upstream: v1, auth: none, upgrade: true}'
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
REQUEST = b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


async def _echo(received: Received, peer: Peer) -> bool:
    if received.get("upgrade") != "echo":
        await peer.send(OK)
        return True
    await peer.send(SWITCHING + b"hello from the other side\n")
    while data := await peer.reader.read(65536):
        await peer.send(data)
    return False


async def test_bytes_pass_both_ways_and_so_does_the_end(tmp_path: Path) -> None:
    async with ScriptedUpstream(_echo) as v1, running(tmp_path, plain(v1.origin, rest=ROUTE)) as gateway:
        async with connected(gateway.public_port) as client, asyncio.timeout(10):
            await client.send(REQUEST % b"/tunnel/x" + b"sent with the head\n")
            status, fields = await client.head()
            assert status == 101
            known = {name.lower(): value.lower() for name, value in fields}
            assert (known["connection"], known["upgrade"]) == ("upgrade", "echo")
            assert await client.line() == b"hello from the other side\n"
            assert await client.line() == b"sent with the head\n"
            for number in range(50):
                await client.send(b"line %d\n" % number)
                assert await client.line() == b"line %d\n" % number
            await client.send(b"GET /api/smuggled HTTP/1.1\r\n\r\n\n")
            assert await client.line() == b"GET /api/smuggled HTTP/1.1\r\n"
        async with asyncio.timeout(5):
            await v1.peers_gone.wait()


async def test_a_quiet_tunnel_outlives_the_response_timeout(tmp_path: Path) -> None:
    text = "    response_timeout: 100ms"
    async with (
        ScriptedUpstream(_echo) as v1,
        running(tmp_path, plain(v1.origin, rest=ROUTE, upstream=text)) as gateway,
        connected(gateway.public_port) as client,
        asyncio.timeout(10),
    ):
        await client.send(REQUEST % b"/tunnel/x" + b"first\n")
        assert (await client.head())[0] == 101
        assert await client.line() == b"hello from the other side\n"
        assert await client.line() == b"first\n"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.8):
                await client.at_end()
        await client.send(b"still here\n")
        assert await client.line() == b"still here\n"


async def test_an_upstream_that_ends_the_tunnel_ends_it_for_the_client(tmp_path: Path) -> None:
    async def script(_received: Received, peer: Peer) -> bool:
        await peer.send(SWITCHING + b"bye\n")
        return False

    async with (
        ScriptedUpstream(script) as v1,
        running(tmp_path, plain(v1.origin, rest=ROUTE)) as gateway,
        connected(gateway.public_port) as client,
        asyncio.timeout(5),
    ):
        await client.send(REQUEST % b"/tunnel/x")
        assert (await client.head())[0] == 101
        assert await client.line() == b"bye\n"
        assert await client.at_end()


async def test_an_upstream_may_refuse_to_switch(tmp_path: Path) -> None:
    async def script(_received: Received, peer: Peer) -> bool:
        await peer.send(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n")
        return True

    async with (
        ScriptedUpstream(script) as v1,
        running(tmp_path, plain(v1.origin, rest=ROUTE)) as gateway,
        connected(gateway.public_port) as client,
        asyncio.timeout(5),
    ):
        await client.send(REQUEST % b"/tunnel/x")
        assert (await client.answer()).status == 426


async def test_other_routes_drop_the_wish_to_switch(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream(_echo) as v1,
        running(tmp_path, plain(v1.origin, rest=ROUTE)) as gateway,
        connected(gateway.public_port) as client,
        asyncio.timeout(5),
    ):
        await client.send(REQUEST % b"/api/x")
        assert (await client.answer()).status == 200
        assert v1.received[0].get("upgrade") is None


async def test_a_101_that_nobody_asked_for_is_502(tmp_path: Path) -> None:
    async def script(_received: Received, peer: Peer) -> bool:
        await peer.send(SWITCHING + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        return True

    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin, rest=ROUTE)) as gateway:
        for target in (b"/api/x", b"/tunnel/x"):
            async with connected(gateway.public_port) as client, asyncio.timeout(5):
                await client.send(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target)
                assert (await client.answer()).status == 502


@pytest.mark.parametrize("protocol", [b"h2c", b"H2C", b"websocket, h2c", b"h2c, echo", b"HTTP/2.0", b"TLS/1.2"])
async def test_another_http_is_never_tunnelled_because_its_requests_would_escape_the_policy(
    tmp_path: Path, protocol: bytes
) -> None:
    async def script(received: Received, peer: Peer) -> bool:
        if received.get("upgrade") is None:
            await peer.send(OK)
            return True
        await peer.send(SWITCHING.replace(b"echo", b"h2c"))
        return False

    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\nHTTP2-Settings: AAMAAABkAAQ\r\n" % protocol
    async with (
        ScriptedUpstream(script) as v1,
        running(tmp_path, plain(v1.origin, rest=ROUTE)) as gateway,
        connected(gateway.public_port) as client,
        asyncio.timeout(5),
    ):
        await client.send(b"GET /tunnel/x HTTP/1.1\r\nHost: a\r\n" + wish + b"\r\n")
        assert (await client.answer()).status in {200, 400}
        assert all("h2c" not in (received.get("upgrade") or "").lower() for received in v1.received)
