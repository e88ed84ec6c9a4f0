"""One connection to a backend: writes a request, reads its answer, and knows whether it may serve another one."""

import asyncio
import math
from time import monotonic
from typing import Final, cast

from gateway.core.turn import LONG
from gateway.upstream.asker import Asker
from gateway.upstream.fault import UpstreamError, UpstreamFault
from gateway.upstream.home import Home
from gateway.wire.answer import AnswerHead, is_hopeless, parse_answer
from gateway.wire.body import Body, Framing, LengthBody, UntilClose
from gateway.wire.fault import WireError
from gateway.wire.line import LineMemo

MAX_INTERIM: Final = 16
"""A backend that sends more 1xx answers than this never means to send a final one."""
NEVER: Final = math.inf

type Answer = tuple[Asker, AnswerHead, bytes]
"""A whole answer, and who has asked for it."""


class Connection(asyncio.Protocol):
    """Owns one transport. It carries one request at a time and trusts nothing that comes back.

    After a clean, complete answer to a completely sent request it goes home; otherwise it is closed. `deadline` is when
    (monotonic seconds) the backend has been silent for too long; whoever owns the pool calls `expire` then. Silence
    counts only while it is the backend's turn: to answer what is complete, to agree to a body, or to read what we send.
    `asked_at` is when its last request began, `served` counts complete answers, `was_stale` says that it was lost
    because the backend had already given it up; `is_open` that it can carry a request, `is_blocked` that the backend
    reads more slowly than we send. Most exchanges are usual: whole both ways, and never paused.
    """

    __slots__ = (
        "_asker",
        "_body",
        "_buffer",
        "_has_answered",
        "_has_ended",
        "_head",
        "_interim",
        "_is_awaited",
        "_is_paused",
        "_is_sent",
        "_is_usual",
        "_looked_at",
        "_may_switch",
        "_memo",
        "_patience",
        "_silence",
        "_switched",
        "_to_head",
        "_transport",
        "asked_at",
        "deadline",
        "home",
        "is_blocked",
        "is_open",
        "served",
        "was_stale",
    )

    def __init__(self, home: Home, memo: LineMemo, patience: float) -> None:
        self.home = home
        self.asked_at = 0.0
        self._memo = memo
        self._patience = patience
        self._silence = patience
        self._transport: asyncio.Transport | None = None
        self._asker: Asker | None = None
        self._buffer = b""
        self._head: AnswerHead | None = None
        self._body: Body | None = None
        self._has_answered = False
        self._has_ended = False
        self._interim = 0
        self._looked_at = 0
        self._is_sent = True
        self._is_awaited = True
        self._is_usual = True
        self.is_blocked = False
        self._is_paused = False
        self._to_head = False
        self._may_switch = False
        self._switched = False
        self.deadline = NEVER
        self.is_open = False
        self.served = 0
        self.was_stale = False

    def __repr__(self) -> str:
        state = "closed" if self._transport is None else "idle" if self._asker is None else "busy"
        return f"<Connection {state}, {self.served} served>"

    def is_sound(self) -> bool:
        """Look whether the transport is still open: a reset is told only after the loop's next turn."""
        return self.is_open and self._transport is not None and not self._transport.is_closing()

    @property
    def is_fresh(self) -> bool:
        """Whether it has never carried a request, so that the backend cannot have closed it for idleness."""
        return self.served == 0

    def ask(self, asker: Asker, data: bytes, now: float) -> None:
        """Send a whole request; only for a connection that is open and at home."""
        transport = self._transport
        if transport is None:
            raise RuntimeError("the connection is closed")
        self._asker = asker
        self.asked_at = now
        self.deadline = now + self._patience
        transport.write(data)

    def ask_specially(
        self,
        asker: Asker,
        data: bytes,
        now: float,
        *,
        is_complete: bool = True,
        to_head: bool = False,
        may_switch: bool = False,
        is_expecting: bool = False,
    ) -> None:
        """Send a request's head, with its body when `is_complete`, whose answer is read in a special way.

        `is_expecting`: the backend was asked to agree to the body (a 100) before it comes.
        """
        self._is_usual = False
        self._is_sent = is_complete
        self._is_awaited = is_complete or is_expecting
        self._to_head = to_head
        self._may_switch = may_switch
        self.ask(asker, data, now)
        if not self._is_awaited and not self.is_blocked:
            self.deadline = NEVER

    def send(self, data: bytes, *, is_last: bool) -> None:
        """Send a part of the request's body; `data` may be empty with the last one."""
        self._is_sent = self._is_sent or is_last
        self._is_awaited = self._is_sent
        if self._transport is not None:
            self._listen_on()
            if data:
                self._transport.write(data)

    def pause(self, asker: Asker) -> None:
        """Stop reading: the client is slower than the backend, whose silence is not its fault then."""
        if self._asker is asker and self.is_open and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._is_usual = False
            self.deadline = NEVER
            self._transport.pause_reading()

    def resume(self, asker: Asker) -> None:
        """Read again."""
        if self._asker is asker:
            self._read_on()

    def abandon(self, asker: Asker) -> None:
        """Cut the connection without telling its asker, who does not want the answer any more."""
        if self._asker is asker:
            self._asker = None
            self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close the connection, politely unless the backend still owes us its attention for what was written."""
        self.is_open = False
        transport = self._transport
        if transport is not None:
            (transport.abort if transport.get_write_buffer_size() else transport.close)()

    def expire(self) -> None:
        """End an exchange whose backend has been silent for too long."""
        self.deadline = NEVER
        self._fail(UpstreamFault.TIMEOUT, "The backend did not answer in time.")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self.asked_at = monotonic()

    def eof_received(self) -> bool:
        """The backend has closed its side in order; without this, an end is a cut."""
        self._has_ended = True
        self.is_open = False
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End: an answer delimited by the close is complete now, any other unfinished one is broken."""
        self.home.arrived.end()
        self._transport = None
        self.is_open = False
        self.deadline = NEVER
        asker, self._asker = self._asker, None
        is_lost = asker is not None and not (self._has_answered or self._buffer)
        self.was_stale = is_lost and self.served > 0
        self.home.closed(self)
        if asker is None:
            return
        if self._switched or (self._has_ended and isinstance(self._body, UntilClose)):
            asker.on_end()
        elif is_lost:
            detail = "The backend closed the connection without an answer."
            asker.on_error(UpstreamError(UpstreamFault.LOST, detail))
        else:
            asker.on_error(UpstreamError(UpstreamFault.INVALID, "The backend broke off its answer."))

    def pause_writing(self) -> None:
        """The backend is slower than the client."""
        self.is_blocked = True
        self._is_usual = False
        self._listen_on()
        if self._asker is not None:
            self._asker.on_upstream_blocked(is_blocked=True)

    def resume_writing(self) -> None:
        """The backend has caught up."""
        self.is_blocked = False
        self._listen_on()
        if self._asker is not None:
            self._asker.on_upstream_blocked(is_blocked=False)

    def data_received(self, data: bytes) -> None:
        """Read on, wherever the answer stands; heads are read with others', when all sockets have been read."""
        asker = self._asker
        if asker is None:
            # Nobody has asked: whatever this is, the next answer could not be told from it.
            self.abort()
        elif self._body is not None:
            self._read_body(asker, self._body, data)
        elif self._switched:
            asker.on_body(data)
        elif len(data) < LONG or self._buffer:
            self._buffer += data
            self.home.arrived.add(self)
        else:
            self._buffer = data
            self._read_head(asker, is_long=True)

    def take_answer(self) -> Answer | None:
        """Parse what has arrived; None when it is not the whole answer to a usual exchange, and has been seen to."""
        asker = self._asker
        return self._read_head(asker) if asker is not None and self._buffer else None

    def _read_head(self, asker: Asker, *, is_long: bool = False) -> Answer | None:
        """Parse a head. Most are usual: the whole answer has come at once, to a whole request.

        A long answer that is usual as well is left for the end of the turn, when it is known that nothing follows it.
        """
        data = self._buffer
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._wait_for_head(data)
            return None
        self._buffer = b""
        self._looked_at = 0
        try:
            head = parse_answer(data[:end], self._memo)
        except WireError as error:
            self._has_answered = True
            self._fail(UpstreamFault.INVALID, f"The backend's answer is not valid HTTP: {error}")
            return None
        rest = data[end + 4 :]
        if self._is_usual and len(rest) == head.length and head.is_sized:
            if is_long:
                self._buffer = data
                self.home.arrived.add(self)
                return None
            self._asker = None
            self.deadline = NEVER
            self.served += 1
            if head.is_last or not self.is_open:
                self.close()
            else:
                self.home.release(self)
            return asker, head, rest
        self._has_answered = True
        self._is_usual = False
        if head.is_interim:
            self._take_interim(asker, head, rest)
        elif head.status == 101:
            self._take_switch(asker, head, rest)
        else:
            self._begin_body(asker, head, rest)
        return None

    def _wait_for_head(self, data: bytes) -> None:
        """Wait for the rest of a head, unless nothing can mend it."""
        looked_at, self._looked_at = self._looked_at, len(data)
        if is_hopeless(data, looked_at):
            self._buffer = b""
            self._has_answered = True
            self._fail(UpstreamFault.INVALID, "The backend's answer is not valid HTTP.")

    def _take_interim(self, asker: Asker, head: AnswerHead, rest: bytes) -> None:
        self._interim += 1
        if self._interim > MAX_INTERIM:
            self._fail(UpstreamFault.INVALID, "The backend sends interim answers only.")
            return
        asker.on_interim(head)
        if rest and self._asker is asker:
            self._buffer = rest
            self._read_head(asker)

    def _take_switch(self, asker: Asker, head: AnswerHead, rest: bytes) -> None:
        if not self._may_switch:
            self._fail(UpstreamFault.INVALID, "The backend switched protocols without being asked.")
            return
        self._switched = True
        self._silence = self.deadline = NEVER
        asker.on_switch(head, rest)

    def _begin_body(self, asker: Asker, head: AnswerHead, rest: bytes) -> None:
        self._head = head
        body = head.decoder(to_head=self._to_head)
        if isinstance(body, LengthBody) and body.is_done:
            # Bytes behind an answer without a body belong to nobody: the answer stands, the connection does not. Nor
            # does it behind a 204 that announces a body, which may still be on its way (RFC 9112 section 6.3).
            is_odd = head.status == 204 and (head.length > 0 or head.framing is Framing.CHUNKED)
            self._go_home(is_clean=not rest and not is_odd)
            asker.on_whole(head, b"")
            return
        try:
            payload, rest = body.feed(rest)
        except WireError:
            self._fail(UpstreamFault.INVALID, "The backend's answer is framed wrongly.")
            return
        self._body = body
        if head.is_event_stream:
            self._silence = self.deadline = NEVER
        asker.on_head(head)
        if self._asker is asker:
            self._pass_on(asker, body, payload, rest)

    def _read_body(self, asker: Asker, body: Body, data: bytes) -> None:
        try:
            payload, rest = body.feed(data)
        except WireError:
            self._fail(UpstreamFault.INVALID, "The backend's answer is framed wrongly.")
            return
        self._pass_on(asker, body, payload, rest)

    def _pass_on(self, asker: Asker, body: Body, payload: bytes, rest: bytes) -> None:
        if body.is_done:
            self._go_home(is_clean=not rest)
        else:
            self._listen_on()
        if payload:
            asker.on_body(payload)
        if body.is_done:
            asker.on_end()

    def _listen_on(self) -> None:
        """Count the backend's silence from now on, if it is its turn."""
        is_its_turn = (self._is_awaited or self.is_blocked) and not self._is_paused and self._asker is not None
        self.deadline = monotonic() + self._silence if is_its_turn else NEVER

    def _read_on(self) -> None:
        if self._is_paused and self.is_open and self._transport is not None:
            self._is_paused = False
            self._listen_on()
            self._transport.resume_reading()

    def _go_home(self, *, is_clean: bool) -> None:
        head, self._head = self._head, None
        self._asker = None
        self._body = None
        self.deadline = NEVER
        self.served += 1
        if self._is_paused:
            self._read_on()
        is_at_rest = is_clean and self._is_sent and not self.is_blocked
        if is_at_rest and head is not None and not head.is_last and self.is_open:
            self._forget()
            self.home.release(self)
        else:
            self.close()

    def _forget(self) -> None:
        """Be as a fresh connection is: nothing special about the next exchange yet."""
        self._is_usual = self._is_awaited = self._is_sent = True
        self._to_head = self._may_switch = self._has_answered = False
        self._interim = 0
        self._silence = self._patience

    def _fail(self, fault: UpstreamFault, detail: str) -> None:
        asker, self._asker = self._asker, None
        self.abort()
        if asker is not None:
            asker.on_error(UpstreamError(fault, detail))
