"""Backends of one trait each, and clusters that ask them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from gateway.config.schema import Upstream
from gateway.core.clock import Clock, SystemClock
from gateway.upstream.cluster import Cluster

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

type Serve = Callable[["Link"], Awaitable[None]]


class Link:
    """One connection, as the backend sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """Read one request's head."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> bytes:
        """Read until the gateway closes, and return what it sent until then."""
        return await self.reader.read()


class Backend:
    """Owns a listener; `links` are its open connections, `opened` counts all of them."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.server: asyncio.Server | None = None
        self.links: set[Link] = set()
        self.opened = 0

    @property
    def origin(self) -> str:
        """Its address as an endpoint."""
        assert self.server is not None
        return "http://{}:{}".format(*self.server.sockets[0].getsockname())

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the gateway or the trait ends it."""
        link = Link(reader, writer)
        self.opened += 1
        self.links.add(link)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._serve(link)
        self.links.discard(link)
        writer.close()

    def stop(self) -> None:
        """Accept no more, and cut what is open."""
        assert self.server is not None
        self.server.close()
        for link in self.links:
            link.writer.transport.abort()


@asynccontextmanager
async def backend(serve: Serve, **options: Any) -> AsyncIterator[Backend]:
    """Run a backend for the length of a block."""
    found = Backend(serve)
    found.server = await asyncio.start_server(found.accept, options.pop("host", "127.0.0.1"), 0, **options)
    try:
        yield found
    finally:
        found.stop()
        await found.server.wait_closed()


def saying(answer: bytes, *, closes: bool = False) -> Serve:
    """Answer every request with the same bytes."""

    async def serve(link: Link) -> None:
        while True:
            await link.head()
            await link.send(answer)
            if closes:
                return

    return serve


def saying_when(is_time: asyncio.Event, answer: bytes) -> Serve:
    """Answer one request when it is time."""

    async def serve(link: Link) -> None:
        await link.head()
        await is_time.wait()
        await link.send(answer)
        await link.gone()

    return serve


async def silent(link: Link) -> None:
    """Read, and never answer."""
    await link.gone()


@asynccontextmanager
async def cluster(*origins: str, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Cluster]:
    """Run a cluster for the length of a block; afterwards nothing of it is left. Its timer is not started."""
    upstream = Upstream.model_validate({"endpoints": list(origins), **settings})
    found = Cluster("v1", upstream, clock if clock is not None else SystemClock())
    try:
        yield found
    finally:
        await found.close()
        await until(lambda: not found.size)
        assert (found.size, found.queued) == (0, 0)


async def until(is_true: Callable[[], bool]) -> None:
    """Let the loop turn until something is true."""
    async with asyncio.timeout(5):
        while not is_true():  # noqa: ASYNC110 - many things on two sides of a socket make it true
            await asyncio.sleep(0.001)
