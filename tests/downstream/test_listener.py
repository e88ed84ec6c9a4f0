"""The public listener: TLS, and how many connections it holds."""

import asyncio
import math
import socket
import ssl
from pathlib import Path

from gateway.config.schema import Limits
from gateway.config.schema.server import Tls
from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.downstream.listener import Listener
from gateway.wire.request import Request
from tests.support.certificate import write_certificate
from tests.support.client import connected
from tests.support.gateway import plain, running
from tests.support.upstream import ScriptedUpstream

TLS = "  tls: {cert: public.crt, key: public.key}"


class Deaf:
    """Serves nobody."""

    def serve(self, client: ClientConnection, request: Request, body: bytes, is_complete: bool) -> None:
        """Forget it."""

    def turn_away(self, client: ClientConnection, error: RequestError) -> None:
        """Say nothing."""


class Wire(asyncio.Transport):
    """Goes nowhere."""

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""

    def is_closing(self) -> bool:
        """Stay open."""
        return False


async def test_tls_is_spoken_when_configured_and_the_backend_is_told(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path, "public")
    text = plain("ORIGIN", server=TLS)
    async with ScriptedUpstream() as v1, running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway:
        context = ssl.create_default_context(cafile=certificate)
        reader, writer = await asyncio.open_connection("localhost", gateway.public_port, ssl=context)
        writer.write(b"GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        await reader.read()
        writer.close()
        await writer.wait_closed()
        assert gateway.addresses.public.startswith("https://")
    assert v1.received[0].get("X-Forwarded-Proto") == "https"


async def test_who_is_refused_over_tls_is_cut_off(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path, "public")
    async with running(tmp_path, plain("http://127.0.0.1:1", server=TLS)) as gateway:
        context = ssl.create_default_context(cafile=certificate)
        reader, writer = await asyncio.open_connection("localhost", gateway.public_port, ssl=context)
        writer.write(b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 413 Content Too Large\r\n"
        async with asyncio.timeout(5):
            assert b"request-too-large" in await reader.read()
        writer.transport.abort()


async def test_a_drain_does_not_wait_for_handshakes_that_never_end(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "public")
    listener = Listener(Deaf(), Limits())
    await listener.start("127.0.0.1", 0, Tls(cert=str(certificate), key=str(key)))
    silent = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(3)]
    # No turn of the loop in between: the kernel has accepted them, the listener has not.
    async with asyncio.timeout(3):
        await listener.drain()
        await listener.close()
    for one in silent:
        one.close()


def test_a_tunnel_that_was_held_up_has_no_time_out_after_it() -> None:
    client = ClientConnection(Listener(Deaf(), Limits()))
    client.connection_made(Wire())
    client.tunnel()
    client.pause()
    client.resume()
    assert client.deadline == math.inf


async def test_a_connection_over_the_limit_is_told_so_and_closed(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  limits: {connections: 1}")
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as first,
    ):
        await first.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await first.answer()).status == 200
        async with connected(gateway.public_port) as second:
            assert (await second.answer()).status == 503
            assert await second.at_end()
        await first.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await first.answer()).status == 200


async def test_a_head_that_does_not_arrive_in_time_is_a_408(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  limits: {header_timeout: 200ms}")
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n")
        async with asyncio.timeout(5):
            assert (await client.answer()).status == 408
            assert await client.at_end()
