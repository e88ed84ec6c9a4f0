"""An upstream for load: names the request in its answer, counts arrivals, and leaves when a test says so."""

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, cast

from tests.conformance.corpus.strict import Request, parse


class Refusal:
    """What to do in place of an answer: close or reset, after writing some bytes."""

    def __init__(self, data: bytes = b"", *, is_reset: bool = False) -> None:
        self.data = data
        self.is_reset = is_reset


type Plan = Callable[[Request], float | bytes | Refusal]
"""Seconds to wait before the usual answer, raw bytes to answer, or a refusal."""


class Echo:
    """Owns an asyncio server; `arrived` counts requests by method and target, `linger` says how long a connection that
    has answered stays open (None: for ever)."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan: Plan = plan if plan is not None else lambda _request: 0.0
        self.linger: Callable[[], float | None] = lambda: None
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.links: set[EchoLink] = set()
        self.opened = 0
        self._server: asyncio.Server | None = None

    @property
    def origin(self) -> str:
        """Its address as an upstream's endpoint."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: EchoLink(self), "127.0.0.1", 0, backlog=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self.links):
            link.transport.abort()
        await self._server.wait_closed()


class EchoLink(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._buffer = b""
        self._leaving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._echo.links.add(self)
        self._echo.opened += 1

    def connection_lost(self, _error: Exception | None) -> None:
        self._echo.links.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer and (found := parse(self._buffer)) is not None:
            request, used = found
            self._buffer = self._buffer[used:]
            self._take(request)

    def _take(self, request: Request) -> None:
        self._echo.arrived[request.method.decode("latin1"), request.target.decode("latin1")] += 1
        planned = self._echo.plan(request)
        if isinstance(planned, Refusal):
            self.transport.write(planned.data)
            if planned.is_reset:
                # An abort alone ends in order (FIN) when nothing is unread; this makes it a reset (RST).
                connection = self.transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.transport.abort()
            else:
                self.transport.close()
        elif isinstance(planned, bytes):
            self.transport.write(planned)
        elif planned:
            asyncio.get_running_loop().call_later(planned, self._answer, request)
        else:
            self._answer(request)

    def _answer(self, request: Request) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(echoed(request))
        linger = self._echo.linger()
        if self._leaving is not None:
            self._leaving.cancel()
        if linger is not None:
            self._leaving = asyncio.get_running_loop().call_later(linger, self.transport.close)


def echoed(request: Request, fields: Sequence[bytes] = ()) -> bytes:
    """Return the usual answer: JSON that names method, target and the body's length."""
    seen = {
        "method": request.method.decode("latin1"),
        "target": request.target.decode("latin1"),
        "n": len(request.body),
    }
    body = json.dumps(seen).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + (b"" if request.method == b"HEAD" else body)
