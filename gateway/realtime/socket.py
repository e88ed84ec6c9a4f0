"""A connection that has become a WebSocket: framing, pings, the closing handshake and a client that reads slowly.

What the messages mean is for those that build on it: sessions, and the echo that conformance suites are pointed at.
"""

import asyncio
import socket as sockets
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Final, assert_never

from gateway.core.clock import Clock
from gateway.realtime import frame
from gateway.realtime.frame import Binary, Broken, Close, Event, Opcode, Ping, Pong, Text
from gateway.realtime.reader import Reader
from gateway.realtime.wheel import NOWHERE, Wheel

CLOSING_SECONDS: Final = 2.0
"""How long a client may take to answer a close before its connection is cut."""
HIGH_WATER_BYTES: Final = 32 << 10
LOW_WATER_BYTES: Final = 8 << 10
SEND_BUFFER_BYTES: Final = 32 << 10
"""What the kernel holds for a client that does not read (Linux takes twice as much, with its own overhead)."""
UNSENT_BYTES: Final = 16 << 10
NO_STATUS: Final = 1005
ABNORMAL: Final = 1006
"""Codes that are never sent: the client gave none, or just left (RFC 6455 section 7.4.1)."""


class Phase(Enum):
    """Where a connection stands. Only an open one is written to; a failed one is not even read."""

    OPEN = auto()
    CLOSING = auto()
    FAILED = auto()
    CLOSED = auto()


class Socket(asyncio.Protocol, ABC):
    """Owns the transport, from the answered handshake to its end. There is no task, queue or timer for it.

    `code` and `reason` say why it ended. `heard` is when the client last sent anything (monotonic seconds). `write`
    writes whole frames as long as it is open, and does nothing afterwards.
    """

    __slots__ = (
        "_reader",
        "_transport",
        "_wheel",
        "clock",
        "code",
        "heard",
        "is_behind",
        "phase",
        "reason",
        "spoke",
        "write",
    )

    write: Callable[[bytes], None]

    def __init__(self, transport: asyncio.Transport, wheel: Wheel, clock: Clock) -> None:
        self._transport = transport
        self._wheel = wheel
        self._reader: Reader | None = None
        self.clock = clock
        self.phase = Phase.OPEN
        self.heard = clock.monotonic()
        self.is_behind = False
        self.spoke = NOWHERE
        self.code = ABNORMAL
        self.reason = ""
        self.write = transport.write

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.phase.name.lower()}{' behind' if self.is_behind else ''}>"

    # ------------------------------------------------------------------ what those that build on it say

    @abstractmethod
    def message_limit(self) -> int:
        """Return how many bytes a message may have."""

    @abstractmethod
    def on_text(self, text: str) -> None:
        """Take a text message."""

    @abstractmethod
    def on_binary(self, data: bytes) -> None:
        """Take a binary message."""

    def on_look(self, now: float) -> None:
        """Do what is due `now`, and ask the wheel for the next look."""

    def farewell(self, code: int, reason: str) -> bytes:
        """Return what comes right before a close frame of ours."""
        return b""

    def on_drained(self) -> None:
        """The client has caught up."""

    def on_leaving(self) -> None:
        """No message comes or goes any more. Called once, before a close frame of ours is written."""

    def on_gone(self) -> None:
        """The connection is closed. Called once, after `on_leaving`."""

    # ------------------------------------------------------------------ the owner's calls

    def begin(self, answer: bytes) -> None:
        """Answer the handshake and take the connection over; who calls passes on what was read ahead."""
        transport = self._transport
        transport.set_protocol(self)
        transport.set_write_buffer_limits(HIGH_WATER_BYTES, LOW_WATER_BYTES)
        _bound(transport)
        transport.write(answer)

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake."""
        if self.phase is Phase.OPEN:
            self._leave(Phase.CLOSING, code, reason)
            self._transport.write(self.farewell(code, reason) + frame.close(code, reason))
            self._wheel.put(self, self.clock.monotonic() + CLOSING_SECONDS)

    def abort(self) -> None:
        """Cut the connection."""
        if self.phase is Phase.OPEN:
            self._leave(Phase.CLOSED, self.code, "cut")
        self._transport.abort()

    def look(self, now: float) -> None:
        """Do what is due."""
        if self.phase is Phase.OPEN:
            self.on_look(now)
        else:
            self._transport.abort()

    # ------------------------------------------------------------------ the transport's calls

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self.phase in {Phase.FAILED, Phase.CLOSED}:
            return
        self.heard = self.clock.monotonic()
        reader = self._reader if self._reader is not None else Reader(self.message_limit())
        events = reader.feed(data)
        self._reader = None if reader.is_at_rest else reader
        for event in events:
            self._handle(event)

    def eof_received(self) -> bool:
        """The client has closed its side; so do we."""
        return False

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self.is_behind = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.is_behind = False
        if self.phase is Phase.OPEN:
            self.on_drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self.phase is Phase.OPEN:
            self._leave(Phase.CLOSED, ABNORMAL, "the connection was lost")
        self.phase = Phase.CLOSED
        self._wheel.drop(self)
        self._reader = None
        self.on_gone()

    # ------------------------------------------------------------------ events

    def _handle(self, event: Event) -> None:
        match event:
            case Close():
                self._closed_by_peer(event)
            case Broken():
                self._fail(event)
            case _ if self.phase is not Phase.OPEN:
                return
            case Text():
                self.on_text(event.text)
            case Binary():
                self.on_binary(event.data)
            case Ping():
                self.on_ping(event.data)
            case Pong():
                return
            case _:
                assert_never(event)

    def on_ping(self, data: bytes) -> None:
        """Answer a ping (section 5.5.3)."""
        self.write(frame.encode(Opcode.PONG, data))

    def _closed_by_peer(self, event: Close) -> None:
        """Answer with the same code, then close the connection: a server does that first (section 7.1.1)."""
        if self.phase is Phase.OPEN:
            self._leave(Phase.CLOSED, event.code if event.code is not None else NO_STATUS, "closed by the client")
            self._transport.write(frame.close(event.code))
        self.phase = Phase.CLOSED
        self._transport.close()
        self._wheel.put(self, self.clock.monotonic() + CLOSING_SECONDS)

    def _fail(self, event: Broken) -> None:
        """Say what is wrong, and read nothing any more (section 7.1.7).

        Our side is closed first: a close with unread bytes would reset the close frame away.
        """
        if self.phase is Phase.OPEN:
            self._leave(Phase.FAILED, event.code, event.reason)
            self._transport.write(self.farewell(event.code, event.reason) + frame.close(event.code, event.reason))
        self.phase = Phase.FAILED
        self._wheel.put(self, self.clock.monotonic() + CLOSING_SECONDS)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _leave(self, phase: Phase, code: int, reason: str) -> None:
        self.phase = phase
        self.code = code
        self.reason = reason
        self.write = _nowhere
        self._wheel.drop(self)
        self.on_leaving()


def _nowhere(_data: bytes) -> None:
    """Write nothing: the connection is about to end."""


def _bound(transport: asyncio.Transport) -> None:
    """Let the kernel hold little for a client that does not read, so that we notice soon and hold little ourselves."""
    connection = transport.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER_BYTES)
        connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
