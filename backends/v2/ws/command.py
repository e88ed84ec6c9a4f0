"""What clients may send in `tacn.v2`, and what is wrong with what they sent instead."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field, PlainValidator, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from backends.domain.rules import sentence
from backends.v2.shape import Input

DIALECT = "tacn.v2"

type Channel = Literal["quotes", "analysis", "notifications"]
CHANNELS: tuple[Channel, ...] = ("quotes", "analysis", "notifications")


def _checked_id(value: object) -> object:
    """An answer repeats the id, so it must be one that can be written again."""
    if not _is_id(value):
        raise PydanticCustomError("rule", "an id is text or a whole number of 64 bits")
    return value


def _is_id(value: object) -> bool:
    return value is None or isinstance(value, str) or (type(value) is int and -(2**63) <= value < 2**63)


type FrameId = Annotated[str | int | None, PlainValidator(_checked_id)]
type Action = Literal["subscribe", "unsubscribe"]
type Member = Annotated[str, Field(min_length=1, max_length=128)]
type Members = Annotated[list[Member], Field(min_length=1, max_length=500)]


class Ping(BaseModel):
    """Asks for a `pong`."""

    type: Literal["ping"]
    id: FrameId = None


class QuotesData(Input):
    """Which symbols."""

    action: Action
    symbols: Members
    on_behalf_of: str | None = None

    @property
    def members(self) -> list[str]:
        """The symbols."""
        return self.symbols


class AnalysisData(Input):
    """Which tasks, and whose: only a service may name another user."""

    action: Action
    tasks: Members
    on_behalf_of: str | None = None

    @property
    def members(self) -> list[str]:
        """The tasks."""
        return self.tasks


class NotificationsData(Input):
    """Nobody's notifications but the user's own."""

    action: Action
    on_behalf_of: str | None = None


class QuotesSubscription(BaseModel):
    """A subscription to quotes."""

    type: Literal["subscription"]
    id: FrameId = None
    channel: Literal["quotes"]
    data: QuotesData


class AnalysisSubscription(BaseModel):
    """A subscription to analyses."""

    type: Literal["subscription"]
    id: FrameId = None
    channel: Literal["analysis"]
    data: AnalysisData


class NotificationsSubscription(BaseModel):
    """A subscription to notifications."""

    type: Literal["subscription"]
    id: FrameId = None
    channel: Literal["notifications"]
    data: NotificationsData


type Subscription = QuotesSubscription | AnalysisSubscription | NotificationsSubscription
type Command = Ping | Subscription

_BY_CHANNEL = Annotated[
    QuotesSubscription | AnalysisSubscription | NotificationsSubscription, Field(discriminator="channel")
]
_COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Ping | _BY_CHANNEL, Field(discriminator="type")])


class CommandError(Exception):
    """A frame that cannot be obeyed; the socket stays open."""

    def __init__(self, frame_id: FrameId, code: str, message: str) -> None:
        super().__init__(message)
        self.frame_id = frame_id
        self.code = code
        self.message = message


def parse(text: str) -> Command:
    """The command of a text frame; raises `CommandError`."""
    try:
        return _COMMAND.validate_json(text, strict=True)
    except ValidationError as error:
        reason = _reason(error.errors(include_url=False)[0])
        raise CommandError(_frame_id(text), "VALIDATION_ERROR", reason) from None


def _reason(error: ErrorDetails) -> str:
    match error["type"]:
        case "json_invalid":
            return "the frame must be JSON"
        case "model_type" | "model_attributes_type" | "dict_type" if not error["loc"]:
            return "the frame must be a JSON object"
        case "union_tag_not_found" | "union_tag_invalid":
            return "the frame's type or channel is missing or unknown"
        case _:
            field = [str(part) for part in error["loc"] if part not in _TAGS]
            return f"{'.'.join(field)}: {sentence(error)}"


_TAGS = frozenset({"ping", "subscription", *CHANNELS})
"""Where pydantic went in the union, which says nothing to a client."""


def _frame_id(text: str) -> FrameId:
    try:
        frame: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    named = frame.get("id") if isinstance(frame, dict) else None
    return named if _is_id(named) else None
