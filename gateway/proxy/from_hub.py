"""Requests that the realtime hub answers: legacy streams, and calls whose answer its newest message is."""

from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from gateway.config.snapshot import Endpoint, HubTopic, Route
from gateway.core.block import fields
from gateway.downstream.connection import ClientConnection
from gateway.policy.decision import Forward, Refuse, Stream
from gateway.proxy.record import Record
from gateway.proxy.shared import Shared
from gateway.wire.request import Request

OK: Final = 200
JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


class Newest(Protocol):
    """An answer from the hub: its body, its age in seconds, and the upstream that it came from."""

    @property
    def body(self) -> bytes: ...

    @property
    def age(self) -> int: ...

    @property
    def upstream(self) -> str: ...


class Relief(Protocol):
    """Knows the newest messages."""

    def answer(self, target: Endpoint | Route, relief: HubTopic, path: str) -> Newest | None:
        """Return the answer to a path; None when the backend has to be asked."""


class Streams(Protocol):
    """Serves streams."""

    def open(
        self,
        client: ClientConnection,
        request: Request,
        decision: Stream,
        request_id: str,
        answered: Callable[[int], None],
    ) -> Refuse | None:
        """Take the connection over and return None, `answered` hears the status; or say why not."""


class FromHub:
    """Writes or hands over such requests, and counts them apart from those that a backend served."""

    def __init__(self, shared: Shared, streams: Streams, relief: Relief) -> None:
        self._shared = shared
        self._streams = streams
        self._relief = relief

    def __repr__(self) -> str:
        return f"<FromHub {self._streams!r}>"

    def stream(self, client: ClientConnection, request: Request, record: Record, decision: Stream) -> Refuse | None:
        """Begin a stream; return why not, if not."""

        def answered(status: int) -> None:
            record.status = status
            self._shared.finish(record, monotonic())

        if request.method == "HEAD":
            head = (*decision.answer_headers, ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
            self._shared.reply(client, request, record, OK, head, b"")
            self._shared.finish(record, monotonic())
            client.finish(monotonic())
            return None
        return self._streams.open(client, request, decision, record.request_id, answered)

    def relieve(
        self, client: ClientConnection, request: Request, record: Record, forward: Forward, topic: HubTopic
    ) -> bool:
        """Answer in the backend's place, if that is possible now."""
        found = self._relief.answer(forward.target, topic, request.path)
        if found is None:
            return False
        shared, target = self._shared, forward.target
        served_by = shared.snapshot.value.served_by
        notices = forward.notices.replace(served_by[forward.upstream], served_by.get(found.upstream, ""), 1)
        record.decision = Stream(target, forward.caller, topic.of(request.path), notices, forward.phase)
        shared.metrics.hub_served[(target.label,)] += 1
        head = (*fields(notices), ("Age", str(found.age)), *JSON)
        shared.reply(client, request, record, OK, head, found.body)
        shared.finish(record, monotonic())
        client.finish(monotonic())
        return True
