"""One forwarded request, from its decision to the last byte of its answer.

Everything here is a callback of one of the two connections; there is no task and no future. The usual exchange is three
calls: `begin` writes the request, `on_whole` writes the answer, `_finish` counts it. The others stream, wait for a
connection, translate, try again, or end early. What follows when the successor fails is in `fallback`.
"""

import logging
from time import monotonic
from typing import Final

from gateway.config.translation import Adapter
from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.policy.adapt import adapt_status, wants_answer_body, wants_request_body
from gateway.policy.decision import Forward
from gateway.proxy import answering, forwarding
from gateway.proxy.composing import PROMISED_NOTHING, compose, expects_continue
from gateway.proxy.failure import complaint, is_backends, is_repeatable, problem
from gateway.proxy.record import Record
from gateway.proxy.shared import Shared
from gateway.proxy.translation import Translation
from gateway.upstream.cluster import Cluster
from gateway.upstream.connection import Connection
from gateway.upstream.fault import UpstreamError, UpstreamFault
from gateway.wire.answer import AnswerHead
from gateway.wire.body import LAST_CHUNK, Framing, chunk
from gateway.wire.request import Request

log = logging.getLogger(__name__)

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
FAILED: Final = 500
"""Statuses from here on are a backend's failures (RFC 9110 section 15.6)."""
HELD_BYTES: Final = 64 * 1024
"""How much of a request's body is held before we stop reading from the client, and the most that is sent twice."""


class Exchange:
    """Owns the forwarding of one request. It ends exactly once, in `_finish`, unless somebody takes its place.

    `_held` holds what was not sent yet of the body: the head is written when there is a connection. `_replay` is the
    whole request if it could be sent again. `_is_usual`: it was sent whole, and its answer is read as most are.
    `_is_patient`: the head of an answer is not written before a part of its body is there.
    """

    # What most exchanges never change stands here once, in place of being written for each of them.
    _cluster: Cluster | None = None
    _composed = PROMISED_NOTHING
    _connection: Connection | None = None
    _held_bytes = 0
    _translation: Translation | None = None
    _answer: AnswerHead | None = None
    _replay: bytes | None = None
    _sent_at = 0.0
    _has_retried = False
    _is_chunked_down = False
    _is_complete = False
    _is_patient = False
    _is_started = False
    _is_usual = False
    is_done = False

    def __init__(
        self, shared: Shared, client: ClientConnection, request: Request, forward: Forward, record: Record
    ) -> None:
        self._shared = shared
        self._client = client
        self._request = request
        self._forward = forward
        self._record = record
        self._held: list[bytes] = []

    def __repr__(self) -> str:
        return f"<Exchange {self._request.method} {self._request.path} to {self._forward.upstream}>"

    # ------------------------------------------------------------------ the request

    def begin(self, body: bytes, is_complete: bool) -> None:
        """Send the request on, with what has arrived of its body; once at most."""
        self._is_complete = is_complete
        if body:
            self._held.append(body)
            self._held_bytes = len(body)
        if is_complete or not wants_request_body(self._forward.adapter):
            self._seek()
        elif expects_continue(self._request) and self._request.version == b"HTTP/1.1":
            # The adapter needs the whole body before anybody is asked, so it is we who agree to it.
            self._client.write(CONTINUE)

    def _seek(self) -> None:
        cluster = self._cluster = self._shared.fleet.find(self._forward.upstream)
        if cluster is None:
            detail = f"{self._forward.upstream} is not configured any more."
            self._fail(UpstreamError(UpstreamFault.UNREACHABLE, detail, is_ours=True))
            return
        connection = cluster.take()
        if connection is None:
            cluster.wait(self)
        else:
            self.on_connection(connection)

    def on_connection(self, connection: Connection) -> None:
        """Write the request to a connection."""
        if self.is_done:
            connection.close()
            return
        self._connection = connection
        data = self._replay
        if data is None:
            request, forward, shared = self._request, self._forward, self._shared
            record, scheme, trusts_peer = self._record, self._client.scheme, shared.rules.trusts_peer
            parts = forwarding.request_head(
                request, forward, connection.home.authority, record.request_id, scheme, trusts_peer
            )
            if request.is_bare and forward.adapter is None and forward.method == request.method:
                self._is_usual = True
                parts.append(b"\r\n")
                data = self._replay = b"".join(parts)
            else:
                data = self._compose(parts)
        now = self._sent_at = monotonic()
        if self._is_usual:
            connection.ask(self, data, now)
            return
        connection.ask_specially(
            self,
            data,
            now,
            is_complete=self._is_complete,
            to_head=self._forward.method == "HEAD",
            may_switch=self._composed.is_tunnel,
            is_expecting=self._composed.is_expecting,
        )
        if not self._is_complete and not connection.is_blocked:
            self._client.resume()

    def on_unavailable(self, error: UpstreamError) -> None:
        """There is no connection to be had."""
        if not self.is_done:
            self._fail(error)

    def _compose(self, parts: list[bytes]) -> bytes:
        """Write the request as far as it has arrived, and remember what that has promised the backend."""
        forward = self._forward
        composed = compose(parts, self._request, forward, b"".join(self._held), is_complete=self._is_complete)
        self._composed = composed
        data = b"".join(composed.parts)
        if self._is_complete:
            self._is_usual = not composed.is_tunnel and forward.method != "HEAD"
            if self._held_bytes <= HELD_BYTES:
                self._replay = data
        self._held = []
        self._held_bytes = 0
        return data

    def on_request_body(self, data: bytes, *, is_last: bool) -> None:
        """Send a part of the body on, or hold it until there is a connection."""
        if self.is_done:
            return
        if is_last:
            self._is_complete = True
        connection = self._connection
        if connection is not None:
            if self._composed.is_chunked:
                data = (chunk(data) if data else b"") + (LAST_CHUNK if is_last else b"")
            connection.send(data, is_last=is_last)
            return
        if data:
            self._held.append(data)
            self._held_bytes += len(data)
        if self._cluster is None and is_last:
            self._seek()
        elif self._cluster is not None and self._held_bytes > HELD_BYTES:
            self._client.pause()

    def on_bad_request(self, error: RequestError) -> None:
        """The request will never be complete: the backend must not take it for a shorter one."""
        if not self.is_done:
            self._drop_connection()
            self._fail(error)

    def on_gone(self) -> None:
        """The client has left: nobody wants the answer."""
        if not self.is_done:
            self._drop_connection()
            self._finish()

    def on_client_blocked(self, *, is_blocked: bool) -> None:
        """Read from the backend as fast as the client reads from us."""
        if self._connection is not None:
            (self._connection.pause if is_blocked else self._connection.resume)(self)

    def on_upstream_blocked(self, *, is_blocked: bool) -> None:
        """Read from the client as fast as the backend reads from us."""
        if not self.is_done:
            (self._client.pause if is_blocked else self._client.resume)()

    # ------------------------------------------------------------------ the answer

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        """Write an answer that came at once."""
        forward, status = self._forward, head.status
        if forward.adapter is not None or not head.is_sized or status >= FAILED or forward.method == "HEAD":
            self._on_odd_whole(head, body)
            return
        shared, client, record, request = self._shared, self._client, self._record, self._request
        record.status = status
        now = monotonic()
        shared.metrics.upstream_durations[(forward.upstream,)].observe(now - self._sent_at)
        self._let_go()
        lines, notices = forwarding.answer_fields(head, forward, shared.rules.owned)
        ours = (
            f"{'' if 'date' in head.lookup else shared.date()}{notices}X-Request-Id: {record.request_id}\r\n"
            f"{forwarding.VIA}Content-Length: {head.length}\r\n{client.connection_field(request.line.version)}"
        ).encode("latin-1")
        first = forwarding.status_line(status, head.reason)
        client.write(b"".join([first, *[line.sent for line in lines], ours, body]))
        self.is_done = True
        shared.finish(record, now)
        client.finish(now)

    def _on_odd_whole(self, head: AnswerHead, body: bytes) -> None:
        """Write one that is translated, that is a failure, or that has no body although it may speak of one."""
        self._note_head(head)
        self._let_go()
        adapter, status = self._forward.adapter, head.status
        if status >= FAILED and self._give_way(f"answered {status}"):
            return
        if not head.is_sized or self._forward.method == "HEAD":
            is_changed = wants_answer_body(adapter, status)
            self._answer_whole(head, "" if is_changed else forwarding.announced(head), b"", is_changed=is_changed)
        elif adapter is None or not wants_answer_body(adapter, status):
            self._answer_whole(head, forwarding.framing(len(body)), body)
        else:
            self._translate(self._translator(adapter), head, body)

    def _answer_whole(self, head: AnswerHead, framing: str, body: bytes, *, is_changed: bool = False) -> None:
        self._client.write(b"".join([*self._head_parts(head, framing, is_changed=is_changed), body]))
        self._finish()
        self._client.finish(monotonic())

    def on_interim(self, head: AnswerHead) -> None:
        """Pass a 1xx on, except a 100 that the client did not ask for (RFC 9110 section 15.2)."""
        if self._request.version != b"HTTP/1.0" and (head.status != 100 or self._composed.is_expecting):
            self._client.write(answering.interim(head))

    def on_head(self, head: AnswerHead) -> None:
        """Write the head of an answer whose body streams, or hold it when the body must be translated or seen first."""
        self._note_head(head)
        adapter = self._forward.adapter
        if head.status >= FAILED and self._give_way(f"answered {head.status}"):
            return
        if adapter is not None and wants_answer_body(adapter, head.status):
            self._translation = self._translator(adapter)
        elif not self._is_patient or head.is_event_stream:
            self._start(head)

    def _start(self, head: AnswerHead) -> None:
        """Write the head of an answer that streams."""
        self._is_started = True
        framing = ""
        if head.framing is Framing.LENGTH:
            framing = forwarding.framing(head.length)
        elif self._request.version == b"HTTP/1.0":
            self._client.is_last = True
        else:
            self._is_chunked_down = True
            framing = forwarding.framing(None)
        self._client.write(b"".join(self._head_parts(head, framing)))

    def on_body(self, data: bytes) -> None:
        """Write a part of the body, or hold it for the translation."""
        if self.is_done:
            return
        if self._translation is not None:
            self._hold(self._translation, data)
            return
        if not self._is_started and self._answer is not None:
            self._start(self._answer)
        self._client.write(chunk(data) if self._is_chunked_down else data)

    def _hold(self, translation: Translation, data: bytes) -> None:
        try:
            translation.add(data)
        except UpstreamError as error:
            self._drop_connection()
            self._fail(error)

    def on_end(self) -> None:
        """The backend's answer is complete."""
        if self.is_done:
            return
        self._let_go()
        if self._translation is not None and self._answer is not None:
            self._translate(self._translation, self._answer, b"")
            return
        if not self._is_started and self._answer is not None:
            self._start(self._answer)
        if self._composed.is_tunnel and self._is_started:
            self._finish()
            self._client.close()
            return
        if self._is_chunked_down:
            self._client.write(LAST_CHUNK)
        self._finish()
        self._client.finish(monotonic())

    def on_switch(self, head: AnswerHead, data: bytes) -> None:
        """From here on bytes go both ways as they come (RFC 9110 section 7.8)."""
        self._note_head(head)
        self._is_started = True
        owned, request_id = self._shared.rules.owned, self._record.request_id
        self._client.write(answering.switching(head, self._forward, owned, request_id))
        self._client.tunnel()
        if data:
            self._client.write(data)

    def on_error(self, error: UpstreamError) -> None:
        """Try again where that cannot do anything twice; else tell the client, or cut a broken answer."""
        connection, self._connection = self._connection, None
        cluster = self._cluster
        if self.is_done or cluster is None:
            return
        if connection is not None:
            cluster.note_failure(connection)
        is_first = self._replay is not None and not self._has_retried
        if is_first and is_repeatable(error, connection, self._forward.method) and cluster.may_retry():
            self._has_retried = True
            cluster.wait(self, fresh=True)
            return
        self._fail(error)

    # ------------------------------------------------------------------ writing and ending

    def _note_head(self, head: AnswerHead) -> None:
        forward = self._forward
        self._answer = head
        if head.status >= FAILED:
            self._record.blame()
        self._record.status = head.status if forward.adapter is None else adapt_status(forward.adapter, head.status)
        self._shared.metrics.upstream_durations[(forward.upstream,)].observe(monotonic() - self._sent_at)

    def _let_go(self) -> None:
        """The backend has answered in full; the connection has gone home by itself."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.home.replica.note_success()

    def _head_parts(self, head: AnswerHead, framing: str, *, is_changed: bool = False) -> list[bytes]:
        forward, record, shared = self._forward, self._record, self._shared
        closing = self._client.connection_field(self._request.version)
        date = "" if "date" in head.lookup else shared.date()
        rest, owned = f"{date}{framing}{closing}", shared.rules.owned
        return answering.head_parts(head, forward, owned, record.status, record.request_id, rest, is_changed=is_changed)

    def _translator(self, adapter: Adapter) -> Translation:
        return Translation(adapter, self._shared.rules.body_limit, self._record.request_id)

    def _translate(self, translation: Translation, head: AnswerHead, rest: bytes) -> None:
        try:
            translation.add(rest)
            body, is_changed = translation.finish(head.status)
        except UpstreamError as error:
            self._fail(error)
            return
        self._answer_whole(head, forwarding.framing(len(body)), body, is_changed=is_changed)

    def _give_way(self, _why: str) -> bool:
        """Let somebody else answer in our place, who then ends it; False where nobody does."""
        return False

    def _fail(self, error: RequestError | UpstreamError) -> None:
        if is_backends(error):
            self._record.blame()
        if isinstance(error, UpstreamError) and self._give_way(complaint(error.fault)):
            return
        self._record.failure = error.fault.name.lower()
        log.warning("%s %s failed: %s", self._record.request_id, self._forward.upstream, error.detail)
        if self._is_started:
            self._finish()
            self._client.abort()
            return
        if isinstance(error, RequestError):
            self._client.is_last = True
        fields = answering.nobodys(self._forward, self._shared.rules.version_header)
        self._shared.refuse(self._client, self._request, self._record, problem(error), fields)
        self._finish()
        self._client.finish(monotonic())

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.abandon(self)
            self._connection = None
        elif self._cluster is not None:
            self._cluster.leave(self)

    def _finish(self) -> None:
        self.is_done = True
        self._shared.finish(self._record, monotonic())
