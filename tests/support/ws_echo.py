"""`python -m tests.support.ws_echo`: the WebSocket layer that serves `/ws`, saying back whatever it hears.

The listener, the handshake, the frames and the closing handshake are the gateway's own, so that a conformance suite
such as Autobahn judges exactly the code that sessions run on. Every path is a socket, and nobody needs a token.
"""

import argparse
import asyncio
import sys
from typing import Final

import uvloop

from gateway.config.schema import Limits
from gateway.core.clock import Clock, SystemClock
from gateway.core.errors import Problem
from gateway.core.http import Fields
from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.downstream.listener import Listener
from gateway.downstream.serving import Arrival, Serving
from gateway.realtime import frame
from gateway.realtime.frame import Opcode
from gateway.realtime.handshake import Opening, Rules, judge
from gateway.realtime.socket import Socket
from gateway.realtime.wheel import Wheel
from gateway.wire.request import Request

ANYBODY: Final = Rules(frozenset("*"), ("http",), takes_query_token=False)
LIMIT_BYTES: Final = 64 << 20
"""Autobahn sends messages of 16 MiB."""


class Echo(Socket):
    """Says back what it hears, and reads no faster than the client does."""

    __slots__ = ("_limit",)

    def __init__(self, transport: asyncio.Transport, wheel: Wheel, clock: Clock, limit: int) -> None:
        super().__init__(transport, wheel, clock)
        self._limit = limit

    def message_limit(self) -> int:
        """Return the limit that was asked for."""
        return self._limit

    def on_text(self, text: str) -> None:
        """Say it back."""
        self.write(frame.text(text.encode()))

    def on_binary(self, data: bytes) -> None:
        """Say it back."""
        self.write(frame.encode(Opcode.BINARY, data))

    def pause_writing(self) -> None:
        """Wait for the reader."""
        super().pause_writing()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if not self._transport.is_closing():
            self._transport.resume_reading()


class EchoService:
    """Opens a socket for every good handshake, and refuses all else."""

    def __init__(self, limit: int = LIMIT_BYTES, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._limit = limit
        self.wheel = Wheel(self._clock)
        self.sockets: list[Echo] = []

    def serve(self, client: ClientConnection, request: Request, body: bytes, is_complete: bool) -> Serving | None:
        """Open a socket."""
        is_old = request.version == b"HTTP/1.0"
        found = judge(request, request.host, ANYBODY, is_old=is_old, has_body=request.has_body)
        if not isinstance(found, Opening):
            client.is_last = True
            client.write(_refusal(found.problem, found.fields))
            client.close()
            return None
        given = client.hand_off()
        if given is not None:
            transport, rest = given
            echo = Echo(transport, self.wheel, self._clock, self._limit)
            self.sockets.append(echo)
            echo.begin(found.answer("echo"))
            if rest:
                echo.data_received(rest)
        return None

    def serve_all(self, arrivals: list[Arrival]) -> None:
        """Open a socket for each."""
        for client, request, body in arrivals:
            client.settle(self.serve(client, request, body, is_complete=True))

    def turn_away(self, client: ClientConnection, error: RequestError) -> None:
        """Refuse what is no request."""
        client.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _refusal(problem: Problem, fields: Fields) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    body = problem.detail.encode()
    return f"HTTP/1.1 {problem.code} No\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    service = EchoService()
    listener = Listener(service, Limits())
    await listener.start("127.0.0.1", port, None)
    service.wheel.start()
    sys.stdout.write(f"ws://127.0.0.1:{listener.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9001)
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
