"""One client's connection: parses, bounds and orders its requests, and writes their answers."""

import asyncio
import math
from time import monotonic
from typing import Final, cast

from gateway.core.turn import LONG
from gateway.downstream.bounds import TOO_MANY_FIELDS, begun_fault, origin_in, size_fault, too_large
from gateway.downstream.fault import RequestError, RequestFault
from gateway.downstream.serving import Arrival, Registry, Serving
from gateway.wire.body import Body, UntilClose
from gateway.wire.fault import WireError
from gateway.wire.request import Request, parse_request

NEVER: Final = math.inf
HELD_BYTES: Final = 64 * 1024
"""What a client may send ahead (pipelined requests) before we stop reading from it."""
CR: Final = 13
LINGER_SECONDS: Final = 2.0


class ClientConnection(asyncio.Protocol):
    """Owns one transport and the order of its answers: the next request is parsed when the last one is answered.

    It never decides what to answer. `deadline` is when (monotonic seconds) it will have waited for too long for a head,
    a body or a slow reader; the listener calls `expire` then. An idle connection holds no buffer.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_exchange",
        "_has_head_begun",
        "_is_advancing",
        "_is_lingering",
        "_is_reading",
        "_is_tunnel",
        "_received",
        "_registry",
        "_request",
        "_transport",
        "deadline",
        "is_blocked",
        "is_last",
        "peer",
        "scheme",
    )

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._transport: asyncio.Transport | None = None
        self._exchange: Serving | None = None
        self._request: Request | None = None
        self._body: Body | None = None
        self._buffer = b""
        self._received = 0
        self._has_head_begun = False
        self._is_advancing = False
        self._is_lingering = False
        self._is_reading = True
        self._is_tunnel = False
        self.deadline = NEVER
        self.is_blocked = False
        self.is_last = False
        self.peer = ""
        self.scheme = "http"

    def __repr__(self) -> str:
        state = "closed" if self._transport is None else "busy" if self._exchange is not None else "idle"
        return f"<ClientConnection {self.peer} {state}>"

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self._exchange is None and not self._buffer

    # ------------------------------------------------------------------ the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peername = transport.get_extra_info("peername")
        self.peer = str(peername[0]) if isinstance(peername, tuple) else ""
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = "https"
        self.deadline = monotonic() + self._registry.limits.header_timeout
        if not self._registry.opened(self):
            self._turn_away(RequestFault.TOO_MANY, "Too many connections.")

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._transport = None
        self.deadline = NEVER
        self._buffer = b""
        self._registry.closed(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.on_gone()

    def eof_received(self) -> bool:
        """The client has closed its side. As nginx and Envoy do, we take that for leaving: the connection is closed."""
        return False

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self.is_blocked = True
        self.deadline = monotonic() + self._registry.limits.body_timeout
        if self._exchange is not None:
            self._exchange.on_client_blocked(is_blocked=True)

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.is_blocked = False
        if self._exchange is None:
            self._go_on(monotonic())
            return
        is_its_turn = self._body is not None and self._is_reading and not self._is_tunnel
        self.deadline = monotonic() + self._registry.limits.body_timeout if is_its_turn else NEVER
        self._exchange.on_client_blocked(is_blocked=False)

    def data_received(self, data: bytes) -> None:
        """Read on, wherever the request stands; heads are read with others', when all sockets have been read."""
        if self._body is not None:
            self._read_body(data)
        elif not self._is_lingering:
            self._buffer += data
            if self._exchange is None and not self.is_blocked:
                if len(data) < LONG:
                    self._registry.arrived.add(self)
                else:
                    self._advance()
            elif len(self._buffer) > HELD_BYTES:
                self.pause()

    # ------------------------------------------------------------------ the exchange's calls

    def write(self, data: bytes) -> None:
        """Write a part of the answer."""
        if self._transport is not None:
            self._transport.write(data)

    def connection_field(self, version: bytes) -> str:
        """Return the end of an answer's head: whether the connection stays open, then the empty line."""
        if self._body is not None or self._registry.is_draining:
            self.is_last = True
        if self.is_last:
            return "Connection: close\r\n\r\n"
        return "\r\n" if version == b"HTTP/1.1" else "Connection: keep-alive\r\n\r\n"

    def tunnel(self) -> None:
        """Pass on whatever the client sends from here on, and never read it as HTTP."""
        buffer, self._buffer = self._buffer, b""
        self._body = UntilClose()
        self.is_last = True
        self.deadline = NEVER
        self._is_tunnel = True
        if buffer:
            self._read_body(buffer)

    def finish(self, now: float) -> None:
        """The answer is complete `now` (monotonic seconds): close, or go on with the next request."""
        self._exchange = None
        if self.is_last or self._body is not None or self._registry.is_draining:
            self.close()
        elif not self.is_blocked:
            self._go_on(now)

    def _go_on(self, now: float) -> None:
        """Wait for the next request, or begin it; never before the client has read the last answer."""
        self.deadline = now + self._registry.limits.keep_alive
        if not self._is_reading:
            self.resume()
        if self._buffer:
            self._advance()

    def pause(self) -> None:
        """Read no more for now."""
        if self._is_reading and self._transport is not None and not self._transport.is_closing():
            self._is_reading = False
            self._transport.pause_reading()
            if self._body is not None:
                self.deadline = NEVER  # it is we who are slow

    def resume(self) -> None:
        """Read again."""
        if not self._is_reading and self._transport is not None and not self._transport.is_closing():
            self._is_reading = True
            self._transport.resume_reading()
            if self._body is not None and not self._is_tunnel:
                self.deadline = monotonic() + self._registry.limits.body_timeout

    def close(self) -> None:
        """Close after what was written has been sent."""
        has_unread = self._body is not None or not self._is_reading
        self.is_last = True
        self._body = None
        self._buffer = b""
        if self._transport is None:
            return
        if has_unread and self._transport.can_write_eof():
            self._linger(self._transport)
        else:
            self.deadline = monotonic() + self._registry.limits.body_timeout
            self._transport.close()

    def _linger(self, transport: asyncio.Transport) -> None:
        """Close our side and read on for a moment: a close with unread bytes would reset the answer away."""
        if not self._is_lingering:
            self._is_lingering = True
            self.deadline = monotonic() + LINGER_SECONDS
            self.resume()
            transport.write_eof()

    def abort(self) -> None:
        """Cut the connection, so that a broken answer never looks complete."""
        if self._transport is not None:
            self._transport.abort()

    def hand_off(self, *, is_counted: bool = False) -> tuple[asyncio.Transport, bytes] | None:
        """Give away the transport and what was read ahead; with `is_counted` it counts until `connection_lost`."""
        transport, self._transport = self._transport, None
        self.deadline = NEVER
        buffer, self._buffer = self._buffer, b""
        if not is_counted:
            self._registry.closed(self)
        return (transport, buffer) if transport is not None else None

    def expire(self) -> None:
        """Something took too long."""
        self.deadline = NEVER
        if self.is_blocked or self._is_lingering or (self._transport is not None and self._transport.is_closing()):
            self.abort()
        elif self._exchange is None and not self._has_head_begun:
            self.close()
        elif self._exchange is None:
            self._turn_away(
                RequestFault.TOO_SLOW, "The request's head did not arrive in time.", origin_in(self._buffer)
            )
        elif self._body is not None:
            self._fail_body(RequestError(RequestFault.TOO_SLOW, "The request's body did not arrive in time."))
        else:
            self.abort()

    # ------------------------------------------------------------------ parsing

    def take_request(self) -> Arrival | None:
        """Parse what has arrived; None when it is no whole request, and has been seen to."""
        if not self._buffer or self._exchange is not None or self._is_advancing:
            return None
        request = self._read_head() if not (self.is_last or self.is_blocked or self._transport is None) else None
        if request is None:
            return None
        self._is_advancing = True
        body = b""
        if request.length:
            if len(self._buffer) != request.length or request.length > self._registry.limits.body:
                self._begin_body(request)
                self._read_on()
                return None
            body, self._buffer = self._buffer, b""
        return self, request, body

    def settle(self, serving: Serving | None) -> None:
        """Go on from where the taken request was begun; `serving` is None when it has been answered already."""
        self._exchange = serving
        self._read_on()

    def _read_on(self) -> None:
        self._is_advancing = False
        if self._buffer and self._exchange is None:
            self._advance()

    def _advance(self) -> None:
        """Parse what was read ahead. A loop, because answers that need no backend come before `serve` returns."""
        if self._is_advancing:
            return
        self._is_advancing = True
        try:
            while self._buffer and self._exchange is None and not (self.is_last or self.is_blocked):
                request = self._read_head() if self._transport is not None else None
                if request is None:
                    break
                self._begin_body(request)
        finally:
            self._is_advancing = False

    def _read_head(self) -> Request | None:
        """Parse one head; None while it is incomplete, or was refused. What follows it stays in the buffer."""
        data, registry = self._buffer, self._registry
        end = data.find(b"\r\n\r\n")
        if end <= 0 or data[0] == CR:
            return self._wait_for_head(data, end)
        if end > registry.small_head:
            fault = size_fault(data[:end], registry.limits)
            if fault is not None:
                self._turn_away(*fault, origin_in(data[: end + 2]))
                return None
        try:
            request = parse_request(data[:end], registry.memo, self.peer)
        except WireError as error:
            self._turn_away(RequestFault.MALFORMED, str(error), origin_in(data[: end + 2]))
            return None
        if len(request.lines) > registry.most_fields:
            self._turn_away(RequestFault.HEADERS_TOO_LARGE, TOO_MANY_FIELDS, request.lookup.get("origin"))
            return None
        self._buffer = data[end + 4 :]
        self._has_head_begun = False
        self.deadline = NEVER
        if request.is_last:
            self.is_last = True
        return request

    def _begin_body(self, request: Request) -> None:
        """Begin the exchange of a request with what is here of its body, if it has one."""
        limits, decoder = self._registry.limits, request.decoder()
        try:
            body, rest = decoder.feed(self._buffer)
        except WireError as error:
            self._turn_away(RequestFault.MALFORMED, str(error), request.lookup.get("origin"))
            return
        if max(request.length, len(body)) > limits.body:
            self._turn_away(RequestFault.BODY_TOO_LARGE, too_large(limits), request.lookup.get("origin"))
            return
        is_complete = decoder.is_done
        if not is_complete:
            self._body = decoder
            self._received = len(body)
            self.deadline = monotonic() + limits.body_timeout
        self._buffer = rest
        self._exchange = self._registry.service.serve(self, request, body, is_complete)

    def _read_body(self, data: bytes) -> None:
        body, exchange = self._body, self._exchange
        if body is None or exchange is None:
            return
        try:
            payload, rest = body.feed(data)
        except WireError as error:
            self._fail_body(RequestError(RequestFault.MALFORMED, str(error)))
            return
        limits = self._registry.limits
        if self._is_tunnel:
            exchange.on_request_body(payload, is_last=False)
            return
        self._received += len(payload)
        if self._received > limits.body:
            self._fail_body(RequestError(RequestFault.BODY_TOO_LARGE, too_large(limits)))
            return
        if body.is_done:
            self._body = None
            self._buffer = rest
            self.deadline = NEVER
        elif self._is_reading:
            self.deadline = monotonic() + limits.body_timeout
        if payload or body.is_done:
            exchange.on_request_body(payload, is_last=body.is_done)

    def _fail_body(self, error: RequestError) -> None:
        # The decoder stays: what is unread makes the close linger.
        self.is_last = True
        self.deadline = NEVER
        if self._exchange is not None:
            self._exchange.on_bad_request(error)

    def _wait_for_head(self, data: bytes, end: int) -> Request | None:
        """Keep an incomplete head, if it can still become a good one."""
        if end == 0 or data.startswith(b"\r\n"):
            # One empty line before a request is forgiven (RFC 9112 section 2.2).
            data = self._buffer = data[2:]
            if data and data[0] in b"\r\n":
                self._turn_away(RequestFault.MALFORMED, "Empty lines come where a request should be.")
                return None
            return self._read_head() if data else None
        limits = self._registry.limits
        fault = begun_fault(data, limits)
        if fault is not None:
            self._turn_away(*fault, origin_in(data))
            return None
        if not self._has_head_begun:
            self._has_head_begun = True
            self.deadline = monotonic() + limits.header_timeout
        return None

    def _turn_away(self, fault: RequestFault, detail: str, origin: str | None = None) -> None:
        self._has_head_begun = False
        self.is_last = True
        self._buffer = b""
        self._registry.service.turn_away(self, RequestError(fault, detail, origin))
        transport = self._transport
        if transport is None:
            return
        if transport.can_write_eof():
            self._linger(transport)
        else:  # TLS has no half-closed side: nothing more is read
            self.deadline = monotonic() + self._registry.limits.body_timeout
            transport.close()
