"""A WebSocket client that sends the bytes a test wrote and shows every frame that came back."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tests.support.client import RawClient
from tests.support.ws_frame import client_frame, close_payload

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The one of RFC 6455 section 1.3, whose answer is s3pPLMBiTxaQ9kYGzzhZRbK+xOo=."""
PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the server's: FIN, reserved bits and opcode as they came, and the payload."""

    is_final: bool
    reserved: int
    opcode: int
    payload: bytes

    @property
    def code(self) -> int | None:
        """The code of a close frame."""
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else None


def handshake(target: str = "/ws", fields: Mapping[str, str | None] | None = None) -> bytes:
    """Return the head of a good handshake; `fields` replaces or, by None, removes some."""
    given: dict[str, str | None] = {
        "Host": "api.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **(fields or {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value is not None)
    return f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode()


class WebSocketClient:
    """One open socket. Every wait ends after PATIENCE_SECONDS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.fields: dict[str, str] = {}

    async def open(
        self, target: str = "/ws", fields: Mapping[str, str | None] | None = None, ahead: bytes = b""
    ) -> int:
        """Shake hands, with bytes sent ahead; return the status."""
        await self.send(handshake(target, fields) + ahead)
        async with asyncio.timeout(PATIENCE_SECONDS):
            status, found = await RawClient(self._reader, self._writer).head()
        self.fields = {name.lower(): value for name, value in found}
        return status

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def say(self, document: object) -> None:
        """Send a command."""
        await self.send(client_frame(1, orjson.dumps(document)))

    async def frame(self) -> Frame:
        """Read one frame; raises IncompleteReadError at the connection's end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            first, second = await self._reader.readexactly(2)
            assert second < 0x80, "a server must not mask"
            size = second
            if size == 126:
                size = struct.unpack("!H", await self._reader.readexactly(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", await self._reader.readexactly(8))[0]
            return Frame(bool(first & 0x80), first >> 4 & 7, first & 15, await self._reader.readexactly(size))

    async def hear(self) -> Any:
        """Read the next text frame as JSON; pings are skipped."""
        while True:
            found = await self.frame()
            if found.opcode == 9:
                continue
            assert found.opcode == 1, found
            return orjson.loads(found.payload)

    async def hear_type(self, kind: str) -> Any:
        """Read on to the next object of this type."""
        while (found := await self.hear())["type"] != kind:
            pass
        return found

    async def to_close(self) -> tuple[list[Frame], int | None]:
        """Read to the end: the frames before the close frame, and its code; None when there was no close frame."""
        before: list[Frame] = []
        try:
            while (found := await self.frame()).opcode != 8:
                before.append(found)
        except (asyncio.IncompleteReadError, ConnectionError):
            return before, None
        return before, found.code

    async def bye(self, code: int = 1000) -> int | None:
        """Close in the orderly way and return the code of the answer."""
        await self.send(client_frame(8, close_payload(code)))
        return (await self.to_close())[1]

    async def at_end(self) -> bool:
        """Wait until the server has closed the connection; False when more bytes come."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return await self._reader.read(1) == b""
            except ConnectionError:
                return True

    def stop_reading(self) -> None:
        """Read nothing any more, as a client does that hangs."""
        transport = self._writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    def end(self) -> None:
        """Close our side only."""
        self._writer.write_eof()

    def leave(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()


@asynccontextmanager
async def websocket(
    port: int, target: str = "/ws", fields: Mapping[str, str | None] | None = None
) -> AsyncIterator[WebSocketClient]:
    """Open a socket for the length of a block; the handshake must succeed."""
    async with connection(port) as client:
        assert await client.open(target, fields) == 101
        yield client


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[WebSocketClient]:
    """Open a connection on which no handshake has been made yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = WebSocketClient(reader, writer)
    try:
        yield client
    finally:
        client.leave()
