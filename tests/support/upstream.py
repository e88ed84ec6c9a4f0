"""A backend that speaks whatever bytes a test says, and remembers whatever it was sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Received:
    """One request as it came in."""

    head: bytes
    body: bytes = b""

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0].decode()

    @property
    def fields(self) -> dict[str, list[str]]:
        """The fields by lower-case name."""
        found: dict[str, list[str]] = {}
        for line in self.head.split(b"\r\n")[1:]:
            name, separator, value = line.partition(b":")
            if separator:
                found.setdefault(name.decode().lower(), []).append(value.strip().decode())
        return found

    def get(self, name: str) -> str | None:
        """Return the only value of a field, or None; a field that came twice fails the test."""
        values = self.fields.get(name.lower(), [])
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


@dataclass
class Peer:
    """The upstream's end of one connection, handed to a script."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        """Send bytes at once."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the other end closes."""
        while await self.reader.read(65536):
            pass


type Script = Callable[[Received, Peer], Awaitable[bool | None]]
"""Answers one request; returns True to keep the connection for the next one."""


def answering(data: bytes, *, keep: bool = True) -> Script:
    """Return a script that sends the same bytes to everyone."""

    async def script(_received: Received, peer: Peer) -> bool:
        await peer.send(data)
        return keep

    return script


def json_answer(body: bytes, status: str = "200 OK", fields: bytes = b"") -> bytes:
    """Return the bytes of a JSON answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n".encode()
    return head + fields + b"\r\n" + body


class ScriptedUpstream:
    """An asyncio server on a port of its own; `script` may be replaced at any time."""

    def __init__(self, script: Script | None = None) -> None:
        self.script: Script = script if script is not None else answering(OK)
        self.received: list[Received] = []
        self.connections = 0
        self.connected = asyncio.Event()
        self.peers_gone = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def origin(self) -> str:
        """Its address as an upstream's endpoint."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        await self._server.wait_closed()

    def drop(self) -> None:
        """Cut every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.connected.set()
        self._writers.add(writer)
        peer = Peer(reader, writer, self.connections)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            async for received in _requests(reader):
                self.received.append(received)
                if not await self.script(received, peer):
                    break
        self.peers_gone.set()
        self._writers.discard(writer)
        writer.close()


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[Received]:
    while True:
        received = Received((await reader.readuntil(b"\r\n\r\n"))[:-4])
        length = received.get("content-length")
        if length is not None:
            received.body = await reader.readexactly(int(length))
        elif received.get("transfer-encoding") == "chunked":
            received.body = await _chunked(reader)
        yield received


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n"))[:-2], 16):
        parts.append(await reader.readexactly(size))
        await reader.readuntil(b"\r\n")
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
