"""What a client's connection and the hub know of each other. Nothing here does anything.

A connection is a `Subscriber`. It joins the hub once it is known who calls, and asks for topics through the
`Membership` that it gets for this. What belongs to a topic (`message`, `complete`, `status`, `unsubscribed`) is encoded
by the hub, once for each dialect; what belongs to a connection (`welcome`, replies, `disconnect`) by the connection.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal, Protocol

from gateway.policy.decision import Caller


class Dialect(Enum):
    """What a subscriber is written in: both WebSocket dialects as whole RFC 6455 frames, SSE as whole events."""

    CROSSFADE = auto()
    TACN = auto()
    EVENTS = auto()


class Code(Enum):
    """What can be wrong with a command or a topic: the number, and whether trying again later may help."""

    INTERNAL = 100, True
    UNAUTHORIZED = 101, False
    UNKNOWN_TOPIC = 102, False
    PERMISSION_DENIED = 103, False
    UNKNOWN_OP = 104, False
    LIMIT_EXCEEDED = 106, False
    BAD_REQUEST = 107, False
    TOKEN_EXPIRED = 109, False
    TOO_MANY_REQUESTS = 111, True
    UNRECOVERABLE_POSITION = 112, False
    UPSTREAM_UNAVAILABLE = 120, True
    UPSTREAM_REJECTED = 121, False

    @property
    def number(self) -> int:
        """The number that clients see."""
        return self.value[0]

    @property
    def is_temporary(self) -> bool:
        """Whether the same command may succeed later."""
        return self.value[1]

    @property
    def reason(self) -> str:
        """The word that clients see."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody stands in a topic."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A topic that is asked for, as the client wrote it, and where the client stood when it left."""

    topic: str
    since: Position | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A topic that is subscribed to. `recovered` and `replay` are None where no position was given.

    `replay` messages follow right after the answer.
    """

    epoch: str
    offset: int
    mode: Literal["latest", "stream"]
    state: Literal["live", "stale"]
    recovered: bool | None = None
    replay: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of wishes, by the topic as the client wrote it."""

    subscribed: Mapping[str, Held] = field(default_factory=dict)
    rejected: Mapping[str, Code] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedState:
    """How an upstream connection stands. Times are integer milliseconds, UTC; None for never."""

    upstream: str
    state: str
    since: int
    last_message_at: int | None


class Subscriber(Protocol):
    """One client's connection, as the hub sees it. No method waits, none raises; after its end all do nothing.

    `is_behind`: what was written has not been read and fills the transport up to its high-water mark. The hub writes
    nothing then but what cannot wait; it goes on when its `Membership.drained` is called.
    """

    dialect: Dialect
    is_behind: bool

    def write(self, data: bytes) -> None:
        """Write one or more whole frames (or events) at once: each call is a system call."""

    def close(self, code: int, reason: str) -> None:
        """End the connection, with a `disconnect` frame where the dialect has one; `code` is a WebSocket close code.

        The subscriber leaves the hub before this returns.
        """


class Membership(Protocol):
    """What the hub keeps of one subscriber: its topics, and what it still has to be sent."""

    def subscribe(self, wishes: Sequence[Wish], answer: Callable[[Outcome], None]) -> None:
        """Subscribe; `answer` is called exactly once: before this returns, or later when an upstream was asked.

        Nothing of these topics is written before `answer` has returned; replays and last values are right after it.
        After `leave` it is not called any more. The hub keeps to the number of topics that a session may hold.
        """

    def unsubscribe(self, topics: Iterable[str]) -> Sequence[str]:
        """Leave topics; return those that were held, as they were written."""

    def held(self) -> Mapping[str, Held]:
        """Return all topics that are subscribed to, and where they stand."""

    def identify(self, caller: Caller) -> None:
        """Go on with a newer token of the same user."""

    def drained(self) -> None:
        """The client has caught up: write what has waited, at least until it is behind again."""

    def leave(self) -> None:
        """Forget the subscriber; may be called again."""


class Hub(Protocol):
    """The registry of all topics, as connections see it."""

    def join(self, subscriber: Subscriber, caller: Caller) -> Membership:
        """Take a subscriber in; it holds nothing yet."""

    def topics(self) -> Mapping[str, int]:
        """Return every topic that somebody holds, with the number of its subscribers."""

    def families(self) -> Collection[str]:
        """Return the configured patterns, such as `quotes:{symbol}`."""

    def feeds(self) -> Sequence[FeedState]:
        """Return how the upstream connections stand."""
