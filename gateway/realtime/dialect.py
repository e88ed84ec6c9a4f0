"""`tacn.v2`, the dialect of the platform's existing clients: their commands, and our answers to them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from gateway.realtime import frame
from gateway.realtime.command import CommandId, known_id
from gateway.realtime.port import Code, Wish

MEMBERS: Final[Mapping[str, tuple[str, str]]] = {"quotes": ("symbols", "symbol"), "analysis": ("tasks", "task")}
"""By channel, how its topics' last parts are called in commands and in errors."""
NOTIFICATIONS: Final = "notifications"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Wants topics of one channel, or wants them no more. `topics` are as the hub knows them."""

    id: CommandId
    channel: str
    is_on: bool
    topics: tuple[str, ...]

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """The topics; this dialect has no positions."""
        return tuple(map(Wish, self.topics))


@dataclass(frozen=True, slots=True)
class Knock:
    """Asks for a `pong`."""

    id: CommandId


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is no command."""

    id: CommandId
    message: str


type TacnCommand = Subscription | Knock | Fault


def is_meant(document: Any) -> bool:
    """Return whether a client's first message is one of this dialect."""
    return isinstance(document, dict) and document.get("type") == "subscription"


def parse(document: Any, most_topics: int) -> TacnCommand:
    """Read a command."""
    if not isinstance(document, dict):
        return Fault(None, "the frame must be a JSON object")
    number = known_id(document)
    if document.get("type") == "ping":
        return Knock(number)
    channel, data = document.get("channel"), document.get("data")
    is_channel = isinstance(channel, str) and (channel in MEMBERS or channel == NOTIFICATIONS)
    if document.get("type") != "subscription" or not isinstance(channel, str) or not is_channel:
        return Fault(number, "the frame's type or channel is missing or unknown")
    action = data.get("action") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(action, str) or action not in {"subscribe", "unsubscribe"}:
        return Fault(number, "data.action: must be subscribe or unsubscribe")
    if channel == NOTIFICATIONS:
        return Subscription(number, channel, action == "subscribe", (NOTIFICATIONS,))
    name = MEMBERS[channel][0]
    members = data.get(name)
    if not isinstance(members, list) or not all(isinstance(one, str) and 0 < len(one) <= 128 for one in members):
        return Fault(number, f"data.{name}: must be a list of texts")
    if not 0 < len(members) <= most_topics:
        return Fault(number, f"data.{name}: must be 1 to {most_topics}")
    topics = tuple(f"{channel}:{one}" for one in dict.fromkeys(members))
    return Subscription(number, channel, action == "subscribe", topics)


def ack(command: Subscription, user: str, now: float, done: Iterable[str], refused: Mapping[str, Code]) -> bytes:
    """Answer a subscription: `done` are the topics that it changed."""
    members = [_member(command, topic, user) for topic in done]
    key = MEMBERS[command.channel][1] if command.channel in MEMBERS else "user"
    data = {
        "success": not refused,
        "subscribed": members if command.is_on else [],
        "unsubscribed": [] if command.is_on else members,
        "errors": [{key: _member(command, topic, user), "error": code.reason} for topic, code in refused.items()],
    }
    return _frame("ack", command.id, now, data, channel=command.channel)


def pong(number: CommandId, now: float) -> bytes:
    """Answer a ping."""
    return frame.text(orjson.dumps({"type": "pong", "id": number, "timestamp": round(now * 1000)}))


type Complaint = Literal["VALIDATION_ERROR", "UNAUTHORIZED", "TOO_MANY_REQUESTS", "INTERNAL_ERROR"]


def error(number: CommandId, now: float, code: Complaint, message: str) -> bytes:
    """Answer something that cannot be followed."""
    return _frame("error", number, now, {"code": code, "message": message})


def _member(command: Subscription, topic: str, user: str) -> str:
    return user if command.channel == NOTIFICATIONS else topic.removeprefix(f"{command.channel}:")


def _frame(kind: str, number: CommandId, now: float, data: Mapping[str, Any], channel: str | None = None) -> bytes:
    told: dict[str, Any] = {"type": kind, "id": number}
    if channel is not None:
        told["channel"] = channel
    return frame.text(orjson.dumps(told | {"timestamp": round(now * 1000), "data": data}))
