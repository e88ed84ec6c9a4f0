"""A request whose fate depends on somebody else's answer: held until that is there, then served like any other.

There is no task and no future here: whoever is asked calls back. The usual request never comes this way.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.downstream.serving import Serving
from gateway.policy.decide import Memory
from gateway.policy.decision import Need
from gateway.proxy.failure import problem
from gateway.proxy.record import Record
from gateway.proxy.shared import Shared
from gateway.wire.request import Request

type Cancel = Callable[[], None]
"""Says that nobody waits for the answer any more. Does nothing once it has been given."""

type Resume = Callable[[bytes, bool, Memory], Serving | None]
"""Decides again, with a memory that knows more, and serves the request: what has arrived of its body, and whether that
is all. Returns who must be told of the rest of it."""

HELD_BYTES: Final = 64 * 1024
"""How much of a request's body is held before we stop reading from the client."""


class Fulfiller(Protocol):
    """Who asks others for what decisions need."""

    def ask(self, need: Need, memory: Memory, answered: Callable[[Memory], None]) -> Cancel:
        """Have a need fulfilled, and call `answered` once with a memory that knows the answer and never needs it again.

        `memory` is the one that did not know; what it holds besides is kept. The call comes after this method has
        returned, after a bounded time, and however the asking went; never after `Cancel`.
        """
        ...


class Pending:
    """Owns a request that waits, with what arrives of its body, until `ask` has answered.

    `held_bytes` are what has arrived. It stands in for whatever serves the request in the end, because the connection
    has been given it.
    """

    __slots__ = (
        "_body",
        "_cancel",
        "_client",
        "_is_complete",
        "_is_waiting",
        "_record",
        "_request",
        "_resume",
        "_serving",
        "_shared",
        "held_bytes",
    )

    def __init__(
        self, shared: Shared, client: ClientConnection, request: Request, record: Record, resume: Resume
    ) -> None:
        self._shared = shared
        self._client = client
        self._request = request
        self._record = record
        self._resume = resume
        self._serving: Serving | None = None
        self._cancel: Cancel | None = None
        self._body: list[bytes] = []
        self.held_bytes = 0
        self._is_complete = False
        self._is_waiting = True

    def __repr__(self) -> str:
        state = "waits" if self._is_waiting else f"served by {self._serving!r}"
        return f"<Pending {self._request.method} {self._request.path} {state}>"

    def begin(self, fulfiller: Fulfiller, need: Need, memory: Memory, body: bytes, *, is_complete: bool) -> None:
        """Ask, and hold the request meanwhile."""
        self._is_complete = is_complete
        if body:
            self._hold(body)
        self._cancel = fulfiller.ask(need, memory, self._answered)

    def on_request_body(self, data: bytes, *, is_last: bool) -> None:
        """Hold a part of the body, or pass it on."""
        if self._serving is not None:
            self._serving.on_request_body(data, is_last=is_last)
        elif self._is_waiting:
            self._is_complete = is_last
            self._hold(data)

    def on_bad_request(self, error: RequestError) -> None:
        """The request will never be complete: there is nothing to wait for."""
        if self._serving is not None:
            self._serving.on_bad_request(error)
        elif self._leave():
            self._client.is_last = True
            self._record.failure = error.fault.name.lower()
            readable = self._shared.readable(self._request.lookup.get("origin"))
            self._shared.refuse(self._client, self._request, self._record, problem(error), readable)
            self._shared.finish(self._record, monotonic())
            self._client.finish(monotonic())

    def on_gone(self) -> None:
        """The client has left: nobody wants the answer."""
        if self._serving is not None:
            self._serving.on_gone()
        elif self._leave():
            self._shared.finish(self._record, monotonic())

    def on_client_blocked(self, *, is_blocked: bool) -> None:
        """Nothing is written here; whoever writes is told."""
        if self._serving is not None:
            self._serving.on_client_blocked(is_blocked=is_blocked)

    def _hold(self, data: bytes) -> None:
        self._body.append(data)
        self.held_bytes += len(data)
        if self.held_bytes > HELD_BYTES:
            self._client.pause()

    def _answered(self, memory: Memory) -> None:
        if not self._is_waiting:
            return
        self._is_waiting = False
        self._cancel = None
        body, self._body = b"".join(self._body), []
        # Who serves it from here on pauses the client by its own measure.
        self._client.resume()
        self._serving = self._resume(body, self._is_complete, memory)

    def _leave(self) -> bool:
        """Wait no more; return whether it did."""
        is_leaving, self._is_waiting = self._is_waiting, False
        self._body.clear()
        if is_leaving and self._cancel is not None:
            self._cancel()
        return is_leaving
