"""The pipe between the supervisor and one worker: typed messages, framed, in order.

A frame is its length, the number of the question it belongs to (0 for none) and a pickle. Pickle, because both ends are
this same program, the one started by the other, and their socket pair has no name by which anybody else could write.
"""

import asyncio
import logging
import pickle
import socket
import struct
from collections.abc import Callable
from typing import Final, cast

from gateway.server.message import Message

log = logging.getLogger(__name__)

HEAD: Final = struct.Struct("!QI")
CONGESTED_BYTES: Final = 4 << 20
"""With so much unsent the other end does not keep up: what can wait or be lost is not sent."""
PATIENCE_SECONDS: Final = 1.0

type Receive = Callable[[int, Message], None]


class Pipe(asyncio.Protocol):
    """One end. It never interprets a message. `lost` is done when the other end has gone or ours is closed."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<Pipe {'closed' if self.lost.done() else 'open'}>"

    async def open(self, end: socket.socket) -> None:
        """Take over our end of a socket pair."""
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=end)

    @property
    def is_congested(self) -> bool:
        """Whether the other end is far behind."""
        return self._transport is not None and self._transport.get_write_buffer_size() > CONGESTED_BYTES

    def send(self, message: Message, number: int = 0) -> None:
        """Send one message; nothing happens when the other end has gone."""
        if self._transport is not None and not self._transport.is_closing():
            body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
            self._transport.write(HEAD.pack(len(body), number) + body)

    async def close(self) -> None:
        """Send what is unsent, unless the other end has stopped reading, and close."""
        if self._transport is None:
            return
        self._transport.close()
        await asyncio.wait([self.lost], timeout=PATIENCE_SECONDS)
        self._transport.abort()

    # ------------------------------------------------------------------ asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        start = 0
        while len(received) - start >= HEAD.size:
            length, number = HEAD.unpack_from(received, start)
            end = start + HEAD.size + length
            if len(received) < end:
                break
            self._receive(number, pickle.loads(received[start + HEAD.size : end]))  # noqa: S301 - our own process's
            start = end
        del received[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
