"""One subscriber's place in the hub: its topics, and where it stopped reading in each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from gateway.policy.decision import Caller
from gateway.realtime.port import Held, Outcome, Subscriber, Wish
from gateway.realtime.topic import Topic

if TYPE_CHECKING:
    from gateway.realtime.entry import Entry
    from gateway.realtime.hub import Hub

SUBJECT: Final = "sub"


class Backlog:
    """What a subscriber that is behind still has to be sent: numbers, never messages, so it takes no room to speak of.

    `first` is the first offset that was missed in a topic; `untold` are topics whose state has changed; `waiting`
    counts the messages that must not be skipped.
    """

    __slots__ = ("first", "untold", "waiting")

    def __init__(self) -> None:
        self.first: dict[Topic, int] = {}
        self.untold: dict[Topic, None] = {}
        self.waiting = 0

    def __bool__(self) -> bool:
        return bool(self.first or self.untold)

    def forget(self, topic: Topic) -> None:
        """Owe nothing in this topic any more."""
        self.first.pop(topic, None)
        self.untold.pop(topic, None)


class Member:
    """Owns what the hub keeps of one subscriber; all that happens to it happens in the hub.

    `entries` are its commands that have not been answered; `backlog` is None while it owes nothing.
    """

    __slots__ = ("_hub", "backlog", "entries", "is_gone", "subscriber", "token", "topics", "user")

    def __init__(self, hub: "Hub", subscriber: Subscriber, caller: Caller) -> None:
        self._hub = hub
        self.subscriber = subscriber
        self.token = caller.token
        self.user = caller.token.texts.get(SUBJECT)
        self.topics: dict[str, Topic] = {}
        self.backlog: Backlog | None = None
        self.entries: tuple[Entry, ...] = ()
        self.is_gone = False

    def __repr__(self) -> str:
        return f"<Member {self.user}: {len(self.topics)} topics>"

    def subscribe(self, wishes: Sequence[Wish], answer: Callable[[Outcome], None]) -> None:
        """Subscribe, and answer now or later."""
        self._hub.subscribe(self, wishes, answer)

    def unsubscribe(self, topics: Iterable[str]) -> Sequence[str]:
        """Leave topics; return those that were held, as they were written."""
        return [text for text in topics if self._hub.unsubscribe(self, text)]

    def held(self) -> Mapping[str, Held]:
        """Return all topics that are subscribed to, and where they stand."""
        return {name: topic.held() for name, topic in self.topics.items()}

    def identify(self, caller: Caller) -> None:
        """Go on with a newer token of the same user."""
        self.token = caller.token

    def drained(self) -> None:
        """Go on writing."""
        self._hub.drained(self)

    def leave(self) -> None:
        """Forget the subscriber."""
        self._hub.leave(self)
