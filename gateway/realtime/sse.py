"""One client of server-sent events: an answer that goes on as long as its topic does (the HTML standard, section 9.2).

It is a subscriber like any other, bare on the transport it was given: no task, no queue, no timer of its own.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from gateway.core.block import Block, render
from gateway.core.clock import Clock
from gateway.core.errors import MEDIA_TYPE, Problem, ProblemType
from gateway.core.http import http_date
from gateway.policy.verified import Verified
from gateway.realtime.port import Code, Dialect, Membership, Outcome, Position
from gateway.realtime.wheel import NOWHERE, Wheel

BEAT: Final = b": keep-alive\n\n"
BEAT_SECONDS: Final = 15.0
STALLED_SECONDS: Final = 60.0
"""How long a client may read nothing before its connection is cut."""
RETRY: Final = b"retry: 3000\n\n"
HEAD: Final = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
)
GONE: Final = 499
HIGH_WATER_BYTES: Final = 32 << 10
LOW_WATER_BYTES: Final = 8 << 10
PROBLEMS: Final = {
    Code.UNKNOWN_TOPIC: (ProblemType.NOT_FOUND, "There is no such stream."),
    Code.BAD_REQUEST: (ProblemType.NOT_FOUND, "There is no such stream."),
    Code.UPSTREAM_REJECTED: (ProblemType.NOT_FOUND, "The backend knows no such stream, or not for this caller."),
    Code.PERMISSION_DENIED: (ProblemType.FORBIDDEN, "This stream is somebody else's."),
    Code.UPSTREAM_UNAVAILABLE: (ProblemType.UPSTREAM_UNAVAILABLE, "The backend cannot be asked now."),
}
UNEXPECTED: Final = (ProblemType.OVERLOADED, "The stream cannot be opened now.")


class Registry(Protocol):
    """Who owns all streams, as one of them sees it."""

    def is_complete(self, topic: str) -> bool:
        """Whether nothing more comes in a topic."""

    def closed(self, stream: "EventStream") -> None:
        """Forget a stream."""


class EventStream(asyncio.Protocol):
    """Owns one transport, from the request to its end.

    `answered` is told the status, once; the stream ends with its `token`. `notices` are header fields of
    the answer.
    """

    __slots__ = (
        "_answered",
        "_clock",
        "_instance",
        "_is_open",
        "_member",
        "_notices",
        "_registry",
        "_request_id",
        "_stalled_at",
        "_transport",
        "_wheel",
        "dialect",
        "is_behind",
        "key",
        "spoke",
        "token",
        "write",
    )

    write: Callable[[bytes], None]

    def __init__(
        self,
        transport: asyncio.Transport,
        registry: Registry,
        wheel: Wheel,
        clock: Clock,
        answered: Callable[[int], None],
        *,
        request_id: str,
        instance: str,
        notices: Block,
        token: Verified,
        key: str,
    ) -> None:
        self._transport = transport
        self._registry = registry
        self._wheel = wheel
        self._clock = clock
        self._answered: Callable[[int], None] | None = answered
        self._request_id = request_id
        self._instance = instance
        self._notices = notices
        self.token = token
        self._member: Membership | None = None
        self._is_open = False
        self._stalled_at = 0.0
        self.key = key
        self.dialect = Dialect.EVENTS
        self.is_behind = False
        self.spoke = NOWHERE
        self.write = transport.write
        transport.set_write_buffer_limits(HIGH_WATER_BYTES, LOW_WATER_BYTES)
        transport.set_protocol(self)

    def __repr__(self) -> str:
        return f"<EventStream {self._instance} {'open' if self._is_open else 'asked for'}>"

    def begin(self, member: Membership) -> None:
        """Take the place in the hub."""
        self._member = member

    # ------------------------------------------------------------------ the answer

    def answer(self, outcome: Outcome) -> None:
        """Begin the stream, or say why not."""
        for code in outcome.rejected.values():
            self._refuse(code)
        for held in outcome.subscribed.values():
            topic = next(iter(self._member.held())) if self._member is not None else ""
            # What was missed is still told; then, and for whoever missed nothing, there is no more to come for.
            if self._registry.is_complete(topic) and not held.replay:
                self._reply(204, "", b"")
            else:
                self._open()

    def _open(self) -> None:
        self._is_open = True
        self._tell(200)
        self.write(f"{HEAD}{self._ending()}".encode("latin-1") + RETRY)
        self._wait(self._clock.monotonic())

    def _refuse(self, code: Code) -> None:
        kind, detail = PROBLEMS.get(code, UNEXPECTED)
        problem = Problem(kind, detail)
        body = problem.render(instance=self._instance, request_id=self._request_id)
        retry = (("Retry-After", "3"),) if code.is_temporary else ()
        fields = (*retry, ("Content-Type", MEDIA_TYPE), ("Cache-Control", "no-store"))
        self._reply(problem.code, render((*fields, ("Content-Length", str(len(body))))), body)

    def _reply(self, status: int, block: Block, body: bytes) -> None:
        self._tell(status)
        self.write(f"HTTP/1.1 {status} \r\n{block}{self._ending()}".encode("latin-1") + body)
        self._end()

    def _ending(self) -> Block:
        dated = (("Date", http_date(int(self._clock.now()))), ("X-Request-Id", self._request_id))
        return f"{self._notices}{render(dated)}Connection: close\r\n\r\n"

    def _tell(self, status: int) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(status)

    # ------------------------------------------------------------------ its life and its end

    def look(self, now: float) -> None:
        """Keep proxies from taking silence for death; end what nobody reads, and what nobody may read any more."""
        if self._clock.now() >= self.token.ends:
            self._end()
        elif self.is_behind and now - self._stalled_at >= STALLED_SECONDS:
            self._transport.abort()
        else:
            if not self.is_behind:
                self.write(BEAT)
            self._wait(now)

    def _wait(self, now: float) -> None:
        """Be looked at when the next beat is due, or when the token ends."""
        left = self.token.ends - self._clock.now()
        self._wheel.put(self, now + max(0.0, min(BEAT_SECONDS, left)))

    def close(self, code: int, reason: str) -> None:
        """End the stream; the client comes back with its last id, or is told that there is no more."""
        self._end()

    def _end(self) -> None:
        self._leave()
        self._transport.close()

    def _leave(self) -> None:
        self._wheel.drop(self)
        member, self._member = self._member, None
        if member is not None:
            member.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._leave()
        self._tell(GONE)
        self._registry.closed(self)

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self.is_behind = True
        self._stalled_at = self._clock.monotonic()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.is_behind = False
        if self._member is not None:
            self._member.drained()

    def data_received(self, data: bytes) -> None:
        """Whatever a client says after its request is nobody's."""


def position(text: str | None) -> Position | None:
    """Return where a client stood by its last event's id, `epoch:offset`; None for one that none of ours is."""
    epoch, _, offset = (text or "").rpartition(":")
    if not epoch or not offset.isascii() or not offset.isdigit() or len(offset) > 15:
        return None
    return Position(epoch, int(offset))
