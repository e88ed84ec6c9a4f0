"""A client that sends the bytes a test wrote, and shows the bytes that came back."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Received:
    """One answer. `is_complete` says whether its framing was kept to the end."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    is_complete: bool

    def get(self, name: str) -> str | None:
        """Return the only value of a field, or None; a field that came twice fails the test."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        """Read one answer's head."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        return int(lines[0].split(" ")[1]), fields

    async def line(self) -> bytes:
        """Read one line."""
        return await self._reader.readline()

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; empty at its end."""
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        data = await self._reader.readexactly(size)
        await self._reader.readexactly(2)
        return data

    async def answer(self, *, to_head: bool = False) -> Received:
        """Read one whole final answer, or as much of it as comes."""
        status, fields = await self.head()
        while status in {100, 102, 103}:
            status, fields = await self.head()
        known = {name.lower(): value for name, value in fields}
        try:
            if to_head or status in {204, 304} or known.get("content-length") == "0":
                return Received(status, fields, b"", is_complete=True)
            if "content-length" in known:
                body = await self._reader.readexactly(int(known["content-length"]))
                return Received(status, fields, body, is_complete=True)
            if known.get("transfer-encoding") == "chunked":
                return Received(status, fields, await self._chunks(), is_complete=True)
            return Received(status, fields, await self._reader.read(), is_complete=True)
        except asyncio.IncompleteReadError as cut:
            return Received(status, fields, cut.partial, is_complete=False)
        except ConnectionError:
            return Received(status, fields, b"", is_complete=False)

    async def at_end(self) -> bool:
        """Wait for the connection's end; False when bytes come instead."""
        try:
            return await self._reader.read(1) == b""
        except ConnectionError:
            return True

    def leave(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def _chunks(self) -> bytes:
        parts = []
        while data := await self.chunk():
            parts.append(data)
        return b"".join(parts)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[RawClient]:
    """Open a connection for the length of a block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        client.leave()


async def ask(
    port: int, target: str, method: str = "GET", fields: Mapping[str, str] | None = None, body: bytes = b""
) -> Received:
    """Send one request on a connection of its own and return the answer."""
    given = {"Host": "api.test", **(fields or {})}
    if body:
        given["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    async with connected(port) as client:
        await client.send(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        return await client.answer(to_head=method == "HEAD")
