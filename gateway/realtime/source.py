"""Where topics' messages come from, and what the hub asks of it: one upstream connection, whatever it speaks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.realtime.family import Address
from gateway.realtime.port import Code, FeedState


@dataclass(slots=True)
class Update:
    """One message of an upstream. `kind` is its type in `tacn.v2`, `data` JSON, `ts` Unix milliseconds.

    After one that `is_last` nothing more comes in its topic.
    """

    topic: str
    kind: str
    data: bytes
    ts: int
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """The upstream's yes to a topic, for `user` where it was asked for somebody."""

    topic: str
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The upstream's no."""

    topic: str
    user: str | None
    code: Code


class Source(Protocol):
    """One upstream connection, as the hub sees it. It holds no topics of its own: the hub asks again after a loss.

    Asking is not answered at once but by the hub's `confirmed` or `refused`; what is asked while it is not up is lost.
    """

    @property
    def name(self) -> str:
        """The upstream's name."""

    @property
    def is_up(self) -> bool:
        """Whether it can be asked now."""

    @property
    def state(self) -> FeedState:
        """How it stands."""

    def subscribe(self, address: Address, user: str | None) -> None:
        """Ask for a topic, for a user where one is named."""

    def unsubscribe(self, address: Address, user: str | None) -> None:
        """Want it no more."""


class Listening(Protocol):
    """The hub, as sources see it."""

    def risen(self, source: Source) -> None:
        """It is up: everything is asked for again."""

    def fallen(self, source: Source, names: Collection[str] | None = None) -> None:
        """It is lost, with all topics or these only, and with it whatever they say until it is back."""

    def confirmed(self, source: Source, grants: Sequence[Grant]) -> None:
        """The upstream said yes."""

    def refused(self, source: Source, refusals: Sequence[Refusal]) -> None:
        """The upstream said no."""

    def publish(self, source: Source, updates: Sequence[Update]) -> None:
        """Messages that came together, in their order."""
