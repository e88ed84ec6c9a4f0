"""The topics that there are, and for how much longer those stay that nobody wants."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from gateway.core.clock import Clock
from gateway.policy.verified import Verified
from gateway.realtime.family import Address, Families
from gateway.realtime.history import Keep
from gateway.realtime.source import Source
from gateway.realtime.topic import State, Topic


@dataclass(frozen=True)
class Rules:
    """What the configuration says. `linger` is how long a topic stays subscribed upstream after its last reader."""

    families: Families
    keep: Keep
    linger: float = 10.0
    subscriptions: int = 200


class Register:
    """Owns the topics by their names. What is forgotten is forgotten upstream too.

    `epoch` makes a text that no topic had before, in this process or another.
    """

    def __init__(self, rules: Rules, clock: Clock, epoch: Callable[[], str]) -> None:
        self.rules = rules
        self.epoch = epoch
        self._clock = clock
        self._topics: dict[str, Topic] = {}
        self._idle: dict[Topic, float] = {}

    def __repr__(self) -> str:
        return f"<Register: {len(self._topics)} topics, {len(self._idle)} idle>"

    def __len__(self) -> int:
        return len(self._topics)

    def __iter__(self) -> Iterator[Topic]:
        return iter(tuple(self._topics.values()))

    def find(self, name: str) -> Topic | None:
        """Return a topic."""
        return self._topics.get(name)

    def named(self, names: Collection[str] | None) -> list[Topic]:
        """Return the topics with these names; all of them for None."""
        if names is None:
            return [*self._topics.values()]
        return [topic for name in names if (topic := self._topics.get(name)) is not None]

    def open(self, address: Address, source: Source, token: Verified) -> Topic:
        """Begin a topic that there was not."""
        topic = Topic(address, self.epoch(), source, token, self.rules.keep)
        topic.asked_at = self._clock.monotonic()
        self._topics[address.topic] = topic
        return topic

    def wake(self, topic: Topic) -> None:
        """Somebody wants it (again)."""
        self._idle.pop(topic, None)

    def rest(self, topic: Topic) -> None:
        """Let a topic that nobody wants stay for a moment; one that is complete for as long as its history."""
        if not topic.is_wanted and self._topics.get(topic.name) is topic:
            stay = self.rules.keep.seconds if topic.state is State.COMPLETE else self.rules.linger
            self._idle.setdefault(topic, self._clock.monotonic() + stay)

    def tidy(self) -> None:
        """Forget the topics that have stayed for long enough."""
        now = self._clock.monotonic()
        for topic, due in tuple(self._idle.items()):
            if topic.is_wanted:
                del self._idle[topic]
            elif due <= now:
                self.forget(topic)

    def forget(self, topic: Topic) -> None:
        """Drop a topic here and upstream."""
        self._idle.pop(topic, None)
        if self._topics.get(topic.name) is not topic:
            return
        del self._topics[topic.name]
        sources = [topic.source, *([topic.next] if topic.next is not None else [])]
        for source in sources if topic.state is not State.COMPLETE else ():
            for user in topic.users() or [None]:
                source.unsubscribe(topic.address, user)
