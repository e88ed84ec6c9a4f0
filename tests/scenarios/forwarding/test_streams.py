"""Any size streams with backpressure in both directions, and nothing is held whole."""

import asyncio
from pathlib import Path

from tests.support.child import gateway_process
from tests.support.gateway import plain

SIZE = 64 << 20
WINDOW_BYTES = 16 << 20
"""What the kernel's and our buffers may hold on the way, on both sides together."""
GROWTH_BYTES = 12 << 20
LIMITS = "\n  limits: {body: 1GiB}"
PIECE = bytes(1 << 16)


class Flood:
    """An upstream that sends SIZE bytes as fast as they are taken, or reads an upload only when it is told to."""

    def __init__(self) -> None:
        self.sent = 0
        self.got = 0
        self.may_read = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                await self._send(writer)
            else:
                await self._read(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        while self.sent < SIZE:
            writer.write(PIECE)
            await writer.drain()
            self.sent += len(PIECE)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.may_read.wait()
        while self.got < SIZE:
            self.got += len(await reader.read(1 << 20))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()


async def test_a_client_that_does_not_read_stops_the_upstream(tmp_path: Path) -> None:
    flood = Flood()
    server = await asyncio.start_server(flood.serve, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, gateway_process(tmp_path, plain(origin)) as child:
        before = child.resident_bytes()
        reader, writer = await asyncio.open_connection("127.0.0.1", child.public, limit=1 << 16)
        try:
            writer.write(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.5)
            assert flood.sent < WINDOW_BYTES
            assert child.resident_bytes() - before < GROWTH_BYTES
            got = 0
            async with asyncio.timeout(20):
                while got < SIZE:
                    got += len(await reader.read(1 << 20))
            assert child.resident_bytes() - before < GROWTH_BYTES
        finally:
            writer.transport.abort()


async def test_an_upstream_that_does_not_read_stops_the_client(tmp_path: Path) -> None:
    flood = Flood()
    server = await asyncio.start_server(flood.serve, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, gateway_process(tmp_path, plain(origin, server=LIMITS)) as child:
        before = child.resident_bytes()
        reader, writer = await asyncio.open_connection("127.0.0.1", child.public)
        try:
            writer.write(b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE)
            sent = 0
            try:
                while sent < SIZE:
                    writer.write(PIECE)
                    async with asyncio.timeout(0.5):
                        await writer.drain()
                    sent += len(PIECE)
            except TimeoutError:
                sent += len(PIECE)
            assert sent < WINDOW_BYTES
            assert child.resident_bytes() - before < GROWTH_BYTES
            flood.may_read.set()
            async with asyncio.timeout(20):
                while sent < SIZE:
                    writer.write(PIECE)
                    await writer.drain()
                    sent += len(PIECE)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert flood.got == SIZE
            assert child.resident_bytes() - before < GROWTH_BYTES
        finally:
            writer.transport.abort()
