"""One copy of a request, sent to the successor after legacy has answered the client. Nobody waits for its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from gateway.policy.decision import Forward
from gateway.proxy import forwarding
from gateway.proxy.composing import compose
from gateway.upstream.cluster import Cluster
from gateway.upstream.connection import Connection
from gateway.upstream.fault import UpstreamError
from gateway.wire.answer import AnswerHead
from gateway.wire.request import Request

TIMEOUT_SECONDS: Final = 5.0
"""How long a copy may take altogether."""
MAX_BYTES: Final = 256 * 1024
"""Of each side's body; a longer one is not compared."""


@dataclass(slots=True)
class Copied:
    """The request that is copied, and what its copy is to say."""

    request: Request
    forward: Forward
    request_id: str
    scheme: str
    trusts_peer: bool


@dataclass(slots=True)
class Whole:
    """A whole answer, as it came."""

    head: AnswerHead
    body: bytes


@dataclass(slots=True)
class Failed:
    """There is no answer to compare; `is_ours`: we gave the copy up, and nobody failed."""

    is_ours: bool


type Outcome = Whole | Failed


class Copy:
    """Owns the exchange with the successor for one copy; tells `end` its outcome, once.

    It is given up when it takes long, when its answer is large, or when every connection is needed by real requests. It
    says nothing of its endpoint's fitness: that is for them to tell.
    """

    __slots__ = ("_bytes", "_cluster", "_connection", "_copied", "_end", "_head", "_parts", "_timer", "is_done")

    def __init__(self, copied: Copied, cluster: Cluster, end: Callable[[Outcome], None]) -> None:
        self._copied = copied
        self._cluster = cluster
        self._end = end
        self._connection: Connection | None = None
        self._head: AnswerHead | None = None
        self._parts: list[bytes] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.is_done = False

    def __repr__(self) -> str:
        return f"<Copy {self._copied.request.method} {self._copied.request.path}>"

    def begin(self) -> None:
        """Send it, unless every connection is needed."""
        self._timer = asyncio.get_running_loop().call_later(TIMEOUT_SECONDS, self.give_up)
        connection = self._cluster.take()
        if connection is not None:
            self.on_connection(connection)
        elif self._cluster.size < self._cluster.settings.max_connections:
            self._cluster.wait(self)
        else:
            self._finish(Failed(is_ours=True))

    def give_up(self) -> None:
        """Wait no longer."""
        if self._connection is not None:
            self._connection.abandon(self)
        else:
            self._cluster.leave(self)
        # Silence is the successor's; a queue is ours.
        self._finish(Failed(is_ours=self._connection is None))

    def on_connection(self, connection: Connection) -> None:
        """Write the request."""
        if self.is_done:
            connection.close()
            return
        self._connection = connection
        copied = self._copied
        authority = connection.home.authority
        parts = forwarding.request_head(
            copied.request, copied.forward, authority, copied.request_id, copied.scheme, copied.trusts_peer
        )
        data = b"".join(compose(parts, copied.request, copied.forward, b"", is_complete=True).parts)
        connection.ask_specially(self, data, monotonic(), to_head=copied.forward.method == "HEAD")

    def on_unavailable(self, error: UpstreamError) -> None:
        """There is no connection to be had."""
        self._finish(Failed(is_ours=error.is_ours))

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        """The answer, at once."""
        self._finish(Whole(head, body))

    def on_interim(self, head: AnswerHead) -> None:
        """Nothing follows from a 1xx."""

    def on_head(self, head: AnswerHead) -> None:
        """The answer comes in parts."""
        self._head = head
        if head.length > MAX_BYTES or head.is_event_stream:
            self._drop()

    def on_body(self, data: bytes) -> None:
        """A part of it."""
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            self._drop()

    def on_end(self) -> None:
        """That was all of it."""
        if self._head is not None:
            self._finish(Whole(self._head, b"".join(self._parts)))

    def on_switch(self, head: AnswerHead, data: bytes) -> None:
        """Never asked for."""

    def on_error(self, error: UpstreamError) -> None:
        """The successor has failed."""
        self._finish(Failed(is_ours=error.is_ours))

    def on_upstream_blocked(self, *, is_blocked: bool) -> None:
        """There is no body to be held back."""

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.abandon(self)
        self._finish(Failed(is_ours=True))

    def _finish(self, outcome: Outcome) -> None:
        if self.is_done:
            return
        self.is_done = True
        if self._timer is not None:
            self._timer.cancel()
        self._end(outcome)
