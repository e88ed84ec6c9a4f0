"""`tacn.v2` as its client: what we ask the upstream, and what its frames mean (CONTRACT section 8). Pure.

A topic's first part is the channel, the rest the member: a symbol, a task, or the user whose notifications they are.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, count
from typing import Any, Final, Literal

import orjson

from gateway.realtime.family import Address, owner_part
from gateway.realtime.port import Code
from gateway.realtime.source import Grant, Refusal, Update

MEMBERS: Final = 250
"""Members in one command: so many of 128 bytes each stay below the 64 KiB that a frame may have."""
ANONYMOUS: Final = "notifications"
LISTS: Final = {"quotes": "symbols", "analysis": "tasks"}
CHANNELS: Final = frozenset({*LISTS, ANONYMOUS})
INTERNAL: Final = frozenset({"internal error", "INTERNAL_ERROR"})
"""What the upstream calls its own failures: asking again may help."""
LAST: Final = frozenset({"analysis_complete", "analysis_failed"})

type Action = Literal["subscribe", "unsubscribe"]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask: a topic, for a user where one is named."""

    action: Action
    address: Address
    user: str | None

    @property
    def channel(self) -> str:
        """The channel that the topic is in."""
        return self.address.topic.partition(":")[0]

    @property
    def member(self) -> str:
        """What it is within the channel; the user's real name for what is a user's."""
        return self.address.owner or self.address.topic.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Command:
    """A frame that asks, and what it asks for."""

    id: str
    frame: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the upstream said to a command."""

    grants: Sequence[Grant] = ()
    refusals: Sequence[Refusal] = ()
    again: Sequence[Question] = ()
    """Questions of a command that was refused as a whole: each is to be asked by itself."""


class Conversation:
    """Owns the commands of one connection that have not been answered."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._open: dict[str, Command] = {}

    def __repr__(self) -> str:
        return f"<Conversation: {len(self._open)} open>"

    def ask(self, questions: Iterable[Question], now_ms: int) -> Iterator[Command]:
        """Yield the commands for these questions, in their order where it matters."""
        for (action, channel, user), group in _grouped(questions):
            size = 1 if channel == ANONYMOUS else MEMBERS
            for some in batched(group, size, strict=False):
                command = self._command(action, channel, user, some, now_ms)
                if action == "subscribe":
                    self._open[command.id] = command
                yield command

    def ask_singly(self, questions: Iterable[Question], now_ms: int) -> Iterator[Command]:
        """Yield a command for each question."""
        for question in questions:
            yield from self.ask((question,), now_ms)

    def answered(self, frame: dict[str, Any]) -> Answer:
        """Return what an `ack` or an `error` means."""
        command = self._open.pop(str(frame.get("id")), None)
        if command is None:
            return Answer()
        data = frame.get("data") or {}
        if frame["type"] == "ack":
            return _acknowledged(command, data)
        code = Code.UPSTREAM_UNAVAILABLE if data.get("code") in INTERNAL else Code.UPSTREAM_REJECTED
        if code is Code.UPSTREAM_REJECTED and len(command.questions) > 1:
            return Answer(again=command.questions)
        return Answer(refusals=[_refusal(question, code) for question in command.questions])

    def _command(
        self, action: Action, channel: str, user: str | None, questions: tuple[Question, ...], now_ms: int
    ) -> Command:
        number = str(next(self._ids))
        data: dict[str, Any] = {"action": action}
        if channel in LISTS:
            data[LISTS[channel]] = [question.member for question in questions]
        if user is not None:
            data["onBehalfOf"] = user
        frame = {"type": "subscription", "id": number, "channel": channel, "timestamp": now_ms, "data": data}
        return Command(number, orjson.dumps(frame).decode(), questions)


def read(frame: dict[str, Any]) -> Update | None:
    """Return the update that a frame is; None for one that is none."""
    kind, channel, data = frame.get("type"), frame.get("channel"), frame.get("data")
    if not isinstance(kind, str) or not isinstance(data, dict):
        return None
    match channel:
        case "quotes":
            member = data.get("code")
        case "analysis":
            member = data.get("taskId")
        case "notifications" if isinstance(data.get("user"), str):
            member = owner_part(data["user"])
        case _:
            return None
    if not isinstance(member, str):
        return None
    stamp = frame.get("timestamp")
    moment = stamp if isinstance(stamp, int) else 0
    return Update(f"{channel}:{member}", kind, orjson.dumps(data), moment, kind in LAST)


type _Key = tuple[Action, str, str | None]


def _grouped(questions: Iterable[Question]) -> Iterator[tuple[_Key, list[Question]]]:
    """Put together what one command can ask; a topic that is asked for twice begins a new round."""
    groups: dict[_Key, list[Question]] = {}
    seen: set[tuple[str, str | None]] = set()
    for question in questions:
        if (question.address.topic, question.user) in seen:
            yield from groups.items()
            groups, seen = {}, set()
        seen.add((question.address.topic, question.user))
        groups.setdefault((question.action, question.channel, question.user), []).append(question)
    yield from groups.items()


def _acknowledged(command: Command, data: dict[str, Any]) -> Answer:
    subscribed = set(data.get("subscribed") or ())
    reasons = {_named(error): str(error.get("error")) for error in data.get("errors") or ()}
    grants, refusals = [], []
    for question in command.questions:
        if question.member in subscribed:
            grants.append(Grant(question.address.topic, question.user))
        else:
            is_broken = reasons.get(question.member, "internal error") in INTERNAL
            refusals.append(_refusal(question, Code.UPSTREAM_UNAVAILABLE if is_broken else Code.UPSTREAM_REJECTED))
    return Answer(grants, refusals)


def _named(error: dict[str, Any]) -> str:
    return str(error.get("symbol") or error.get("task") or error.get("user"))


def _refusal(question: Question, code: Code) -> Refusal:
    return Refusal(question.address.topic, question.user, code)
