"""How what belongs to a topic is written, once for each dialect. Nothing in it depends on who reads it.

Members stand in the contract's order. An empty frame means that the dialect has no word for it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from gateway.realtime.frame import text
from gateway.realtime.history import Message
from gateway.realtime.port import Dialect

type Shape = Callable[[str, Any], Any]
"""Makes v1's data of a message's kind and data."""

EVENT_NAMES: Final[Mapping[str, str]] = {
    "quote_update": "quote",
    "analysis_progress": "progress",
    "analysis_complete": "complete",
    "analysis_failed": "failed",
}
"""What v1 calls its server-sent events."""


class Encoder(Protocol):
    """Writes one dialect."""

    def message(self, topic: str, epoch: str, message: Message) -> bytes:
        """Return a message's frame."""

    def complete(self, topic: str, offset: int) -> bytes:
        """Return the frame that says that nothing more will come."""

    def status(self, topics: Sequence[str], state: str, reason: str | None, epoch: str | None) -> bytes:
        """Return the frame that says how topics stand from now on."""

    def unsubscribed(self, topic: str, number: int, reason: str) -> bytes:
        """Return the frame that ends a subscription."""


class Crossfade:
    """`crossfade.v1`, as whole WebSocket frames."""

    def message(self, topic: str, epoch: str, message: Message) -> bytes:
        """Return a message's frame."""
        return text(
            b'{"type":"message","topic":"%b","offset":%d,"ts":%d,"data":%b}'
            % (topic.encode(), message.offset, message.ts, message.data)
        )

    def complete(self, topic: str, offset: int) -> bytes:
        """Return `complete`."""
        return text(b'{"type":"complete","topic":"%b","offset":%d}' % (topic.encode(), offset))

    def status(self, topics: Sequence[str], state: str, reason: str | None, epoch: str | None) -> bytes:
        """Return `status`, with what is known."""
        more = {name: value for name, value in (("reason", reason), ("epoch", epoch)) if value is not None}
        return text(orjson.dumps({"type": "status", "topics": topics, "state": state, **more}))

    def unsubscribed(self, topic: str, number: int, reason: str) -> bytes:
        """Return `unsubscribed`."""
        return text(orjson.dumps({"type": "unsubscribed", "topic": topic, "code": number, "reason": reason}))


class Tacn:
    """`tacn.v2`, as whole WebSocket frames: the upstream's own updates, and nothing about how topics stand."""

    def message(self, topic: str, epoch: str, message: Message) -> bytes:
        """Return an update in the upstream's words."""
        channel = topic.partition(":")[0]
        return text(
            b'{"type":"%b","channel":"%b","timestamp":%d,"data":%b}'
            % (message.kind.encode(), channel.encode(), message.ts, message.data)
        )

    def complete(self, topic: str, offset: int) -> bytes:
        """Return nothing: the last update's type says so."""
        return b""

    def status(self, topics: Sequence[str], state: str, reason: str | None, epoch: str | None) -> bytes:
        """Return nothing."""
        return b""

    def unsubscribed(self, topic: str, number: int, reason: str) -> bytes:
        """Return the dialect's `error`: a subscription that ends is no news it has a type for."""
        data = {"code": reason.upper(), "message": f"{topic}: subscribe again" if number >= LAST_FINAL else topic}
        return text(orjson.dumps({"type": "error", "id": None, "timestamp": None, "data": data}))


LAST_FINAL: Final = 2500
"""Codes from here on mean: subscribe again."""


class Events:
    """Server-sent events with v1's names and shapes, as they are written after the head of a response."""

    def __init__(self, shape: Callable[[str], Shape]) -> None:
        self._shape = shape

    def message(self, topic: str, epoch: str, message: Message) -> bytes:
        """Return one event; its JSON has no line breaks, so one `data` line holds it."""
        data = orjson.dumps(self._shape(topic)(message.kind, orjson.loads(message.data)))
        name = EVENT_NAMES.get(message.kind, message.kind)
        return b"id: %b:%d\nevent: %b\ndata: %b\n\n" % (epoch.encode(), message.offset, name.encode(), data)

    def complete(self, topic: str, offset: int) -> bytes:
        """Return nothing: the last event's name says so, and the stream ends."""
        return b""

    def status(self, topics: Sequence[str], state: str, reason: str | None, epoch: str | None) -> bytes:
        """Return nothing: the next event's id has the new epoch."""
        return b""

    def unsubscribed(self, topic: str, number: int, reason: str) -> bytes:
        """Return nothing: the stream ends, and the browser comes back with its last id."""
        return b""


def encoders(shape: Callable[[str], Shape]) -> Mapping[Dialect, Encoder]:
    """Return who writes which dialect; `shape` finds a topic's v1 shape."""
    return {Dialect.CROSSFADE: Crossfade(), Dialect.TACN: Tacn(), Dialect.EVENTS: Events(shape)}
