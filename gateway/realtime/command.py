"""What clients of `crossfade.v1` may say, and what is wrong with what they said instead. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateway.realtime.port import Code, Position, Wish

MOST_COMMANDS: Final = 64
"""In one message."""
LONGEST_ID: Final = 128
LONGEST_TOPIC: Final = 128

type CommandId = str | int | None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Asks for topics."""

    id: CommandId
    wishes: tuple[Wish, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Wants topics no more."""

    id: CommandId
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListTopics:
    """Asks what is held."""

    id: CommandId


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks for a reply, to see that there is one: `ping`."""

    id: CommandId


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Brings a token."""

    id: CommandId
    token: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that is no command; the socket stays open."""

    id: CommandId
    code: Code


type Command = Subscribe | Unsubscribe | ListTopics | Ask | Authenticate | Mistake


class _MistakeError(Exception):
    def __init__(self, code: Code) -> None:
        super().__init__(code.reason)
        self.code = code


def parse(document: Any, most_topics: int) -> list[Command]:
    """Return the commands of a message, in order; `most_topics` may be named by one of them."""
    if not isinstance(document, list):
        return [_command(document, most_topics)]
    if not document:
        return [Mistake(None, Code.BAD_REQUEST)]
    if len(document) > MOST_COMMANDS:
        return [Mistake(None, Code.LIMIT_EXCEEDED)]
    return [_command(one, most_topics) for one in document]


def decode(text: str) -> Any:
    """Return the JSON of a message; raises ValueError."""
    return orjson.loads(text)


def is_auth(document: Any) -> bool:
    """Return whether a message brings a token."""
    return isinstance(document, dict) and document.get("op") == "auth"


def known_id(document: Any) -> CommandId:
    """Return a command's id, if it has one that can be written again."""
    found = document.get("id") if isinstance(document, dict) else None
    is_number = type(found) is int and -(1 << 63) <= found < 1 << 63
    return found if is_number or (isinstance(found, str) and len(found) <= LONGEST_ID) else None


def _command(document: Any, most_topics: int) -> Command:
    if not isinstance(document, dict):
        return Mistake(None, Code.BAD_REQUEST)
    number = known_id(document)
    try:
        if number is None and document.get("id") is not None:
            raise _MistakeError(Code.BAD_REQUEST)
        return _read(number, document, most_topics)
    except _MistakeError as mistake:
        return Mistake(number, mistake.code)


def _read(number: CommandId, document: Mapping[str, Any], most_topics: int) -> Command:
    match document.get("op"):
        case "subscribe":
            return Subscribe(number, tuple(map(_wish, _topics(document, most_topics))))
        case "unsubscribe":
            return Unsubscribe(number, tuple(map(_name, _topics(document, most_topics))))
        case "list":
            return ListTopics(number)
        case "ping":
            return Ask(number)
        case "auth":
            return Authenticate(number, _token(document.get("token")))
        case str():
            raise _MistakeError(Code.UNKNOWN_OP)
        case _:
            raise _MistakeError(Code.BAD_REQUEST)


def _topics(document: Mapping[str, Any], most_topics: int) -> list[Any]:
    topics = document.get("topics")
    if not isinstance(topics, list) or not topics:
        raise _MistakeError(Code.BAD_REQUEST)
    if len(topics) > most_topics:
        raise _MistakeError(Code.LIMIT_EXCEEDED)
    return topics


def _wish(item: Any) -> Wish:
    """Read `"topic"` or `{"topic": …, "since": {"epoch": …, "offset": …}}`."""
    if isinstance(item, str):
        return Wish(_name(item))
    if not isinstance(item, dict):
        raise _MistakeError(Code.BAD_REQUEST)
    since = item.get("since")
    return Wish(_name(item.get("topic")), _position(since) if since is not None else None)


def _position(since: Any) -> Position:
    if not isinstance(since, dict):
        raise _MistakeError(Code.BAD_REQUEST)
    epoch, offset = since.get("epoch"), since.get("offset")
    if not isinstance(epoch, str) or type(offset) is not int or offset < 0:
        raise _MistakeError(Code.BAD_REQUEST)
    return Position(epoch, offset)


def _name(item: Any) -> str:
    """What the topic means is the hub's to say; an answer repeats it, so it must be short."""
    if not isinstance(item, str) or not 0 < len(item) <= LONGEST_TOPIC:
        raise _MistakeError(Code.BAD_REQUEST)
    return item


def _token(item: Any) -> str:
    if not isinstance(item, str):
        raise _MistakeError(Code.BAD_REQUEST)
    return item
