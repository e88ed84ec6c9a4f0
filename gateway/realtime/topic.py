"""One topic that somebody wants, or has just left: where it stands, what was said, and who listens."""

from enum import Enum, auto
from typing import TYPE_CHECKING, Literal

from gateway.policy.verified import Verified
from gateway.realtime.family import Address
from gateway.realtime.history import History, Keep, Message
from gateway.realtime.port import Dialect, Held, Position, Subscriber
from gateway.realtime.source import Source, Update

if TYPE_CHECKING:
    from gateway.realtime.entry import Entry
    from gateway.realtime.member import Member


class State(Enum):
    """How a topic stands with its upstream."""

    ASKED = auto()
    """The upstream has not answered yet; nobody holds the topic."""
    LIVE = auto()
    STALE = auto()
    """It is held, and the upstream is lost, or has not been found yet."""
    COMPLETE = auto()
    """Nothing more will come."""


class Topic:
    """Owns one topic's epoch, offsets and history, and its subscribers by dialect. It never writes.

    `granted` are users to whom an upstream that is asked said yes. `entries` are commands that wait, or that will be
    answered with this topic; as long as there are some, it stays. `token` is that of whoever came first. While the
    topic moves to another source, `next` is that one. `is_repeating`: a push may come that repeats the newest.
    """

    __slots__ = (
        "address",
        "asked_at",
        "entries",
        "epoch",
        "granted",
        "groups",
        "history",
        "is_repeating",
        "next",
        "offset",
        "source",
        "state",
        "token",
    )

    def __init__(self, address: Address, epoch: str, source: Source, token: Verified, keep: Keep) -> None:
        self.address = address
        self.epoch = epoch
        self.offset = 0
        self.history = History(keep)
        self.groups: dict[Dialect, dict[Subscriber, Member]] = {}
        self.state = State.ASKED
        self.source = source
        self.next: Source | None = None
        self.token = token
        self.granted: set[str] = set()
        self.entries: dict[Entry, None] = {}
        self.asked_at = 0.0
        self.is_repeating = False

    def __repr__(self) -> str:
        return f"<Topic {self.name} {self.state.name.lower()}: {self.count} subscribers, {self.epoch}:{self.offset}>"

    @property
    def name(self) -> str:
        """The name that messages carry."""
        return self.address.topic

    @property
    def is_asked_each(self) -> bool:
        """Whether the upstream is asked for every user anew."""
        return self.address.family.authorize == "upstream"

    @property
    def count(self) -> int:
        """How many listen."""
        return sum(map(len, self.groups.values()))

    @property
    def is_wanted(self) -> bool:
        """Whether anybody listens, or is about to."""
        return bool(self.groups or self.entries)

    def members(self) -> list["Member"]:
        """Return who listens."""
        return [member for group in self.groups.values() for member in group.values()]

    def users(self) -> list[str | None]:
        """Return for whom the upstream has to be asked."""
        if not self.is_asked_each:
            return [self.address.owner]
        waiting = [entry.member.user for entry in self.entries]
        return list(dict.fromkeys([*(member.user for member in self.members()), *waiting]))

    def add(self, member: "Member") -> None:
        """Let somebody listen from now on."""
        self.groups.setdefault(member.subscriber.dialect, {})[member.subscriber] = member

    def remove(self, member: "Member") -> None:
        """Let somebody go; harmless to repeat."""
        dialect = member.subscriber.dialect
        group = self.groups.get(dialect)
        if group is None:
            return
        group.pop(member.subscriber, None)
        if not group:
            del self.groups[dialect]

    def append(self, update: Update, at: float) -> Message | None:
        """Take in what the upstream says; None for a repetition that only our asking again has brought about."""
        newest = self.history.newest
        is_repetition = self.is_repeating and newest is not None and newest.data == update.data
        self.is_repeating = False
        if is_repetition and not update.is_last:
            return None
        self.offset += 1
        message = Message(self.offset, update.kind, update.data, update.ts, at)
        self.history.append(message)
        return message

    def renew(self, epoch: str, keep: Keep) -> None:
        """Begin anew, because something may have been missed."""
        self.epoch = epoch
        self.offset = 0
        self.history = History(keep)
        self.is_repeating = False

    def held(self, since: Position | None = None) -> Held:
        """Return where the topic stands, for somebody who stood at `since` when they left."""
        state: Literal["live", "stale"] = "stale" if self.state is State.STALE else "live"
        mode = self.address.family.mode
        if since is None:
            return Held(self.epoch, self.offset, mode, state)
        missed = self.missed(since)
        return Held(self.epoch, self.offset, mode, state, missed is not None, len(missed or ()))

    def missed(self, since: Position) -> list[Message] | None:
        """Return every message since a position; None when that cannot be told any more."""
        if since.epoch != self.epoch or not 0 <= since.offset <= self.offset:
            return None
        newest = self.history.newest
        if newest is not None and since.offset > newest.offset:
            return []  # it has seen the completion
        return self.history.after(since.offset)
