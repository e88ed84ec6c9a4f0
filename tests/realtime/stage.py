"""The hub between a scripted upstream and readers that write down what they get."""

import struct
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import orjson

from gateway.policy.decision import Caller
from gateway.policy.verified import Verified
from gateway.realtime.delivery import Delivery
from gateway.realtime.encode import encoders
from gateway.realtime.family import Address, Families, Family
from gateway.realtime.history import Keep
from gateway.realtime.hub import Hub
from gateway.realtime.member import Member
from gateway.realtime.port import Code, Dialect, FeedState, Outcome, Position, Wish
from gateway.realtime.register import Rules
from gateway.realtime.source import Grant, Refusal, Source, Update
from tests.support.clock import FakeClock

FAMILIES = (
    Family("quotes", "quotes:{symbol}", conflate=True),
    Family("analysis", "analysis:{task}", authorize="upstream"),
    Family("notifications", "notifications:{sub}", authorize="owner"),
)


def caller(user: str, **claims: str) -> Caller:
    """Return a caller with a verified token."""
    texts = {"sub": user, **claims}
    return Caller("127.0.0.1", Verified(texts, texts, "", (user, f"claim:sub={user}")), user, f"claim:sub={user}")


class Upstream:
    """A source that notes what it is asked, and holds what it was asked for and said yes to."""

    def __init__(self, name: str = "v2", *, is_up: bool = True) -> None:
        self.name = name
        self.is_up = is_up
        self.asked: list[tuple[str, str | None]] = []
        self.held: set[str] = set()

    @property
    def state(self) -> FeedState:
        return FeedState(self.name, "up" if self.is_up else "down", 0, None)

    def subscribe(self, address: Address, user: str | None) -> None:
        if self.is_up:
            self.asked.append((address.topic, user))

    def unsubscribe(self, address: Address, user: str | None) -> None:
        if self.is_up:
            self.held.discard(address.topic)
            self.asked = [ask for ask in self.asked if ask[0] != address.topic]


class Sides:
    """Chooses the first source, or the one that a test names for a topic."""

    def __init__(self, *sources: Source) -> None:
        self.all = sources
        self.chosen: dict[str, Source] = {}

    def choose(self, address: Address, token: Verified) -> Source:
        return self.chosen.get(address.topic, self.all[0])

    def sources(self) -> Sequence[Source]:
        return self.all


def frames(data: bytes) -> list[bytes]:
    """Return the payloads of unmasked text frames."""
    found = []
    while data:
        length, start = data[1], 2
        if length == 126:
            length, start = struct.unpack("!H", data[2:4])[0], 4
        elif length == 127:
            length, start = struct.unpack("!Q", data[2:10])[0], 10
        found.append(data[start : start + length])
        data = data[start + length :]
    return found


class Reader:
    """A subscriber that reads at once, or not at all while a test says so."""

    def __init__(self, dialect: Dialect = Dialect.CROSSFADE) -> None:
        self.dialect = dialect
        self.is_behind = False
        self.capacity: int | None = None
        self.writes: list[bytes] = []
        self.closed: int | None = None
        self.member: Member | None = None

    def write(self, data: bytes) -> None:
        assert self.closed is None
        self.writes.append(data)
        if self.capacity is not None and sum(map(len, self.writes)) > self.capacity:
            self.is_behind = True

    def close(self, code: int, reason: str) -> None:
        self.closed = code
        if self.member is not None:
            self.member.leave()

    def take(self) -> list[dict[str, Any]]:
        """Return the frames since the last time."""
        taken, self.writes = b"".join(self.writes), []
        return [orjson.loads(frame) for frame in frames(taken)]

    def offsets(self, topic: str) -> list[int]:
        """Return the offsets of a topic's messages since the last time."""
        return [frame["offset"] for frame in self.take() if frame.get("topic") == topic and frame["type"] == "message"]


class Stage:
    """One hub, its clock, its upstream, and the verbs of a test."""

    def __init__(self, *, messages: int = 100, seconds: float = 300.0, queue: int = 256, limit: int = 200) -> None:
        self.clock = FakeClock()
        self.upstream = Upstream()
        self.legacy = Upstream("v1")
        self.sides = Sides(self.upstream, self.legacy)
        epochs: Callable[[], str] = (f"e{number}" for number in count(1)).__next__
        self.delivery = Delivery(encoders(lambda _topic: lambda _kind, data: data), queue)
        self.rules = Rules(Families(FAMILIES), Keep(messages, seconds), linger=10.0, subscriptions=limit)
        self.hub = Hub(self.rules, self.sides, self.delivery, self.clock, epochs)

    def join(self, user: str = "alice", dialect: Dialect = Dialect.CROSSFADE, **claims: str) -> Reader:
        """Let somebody in."""
        reader = Reader(dialect)
        reader.member = self.hub.join(reader, caller(user, **claims))
        return reader

    def ask(self, reader: Reader, *topics: str, since: Position | None = None) -> list[Outcome]:
        """Subscribe; the list gets the answer as soon as there is one."""
        answers: list[Outcome] = []
        assert reader.member is not None
        reader.member.subscribe([Wish(topic, since) for topic in topics], answers.append)
        return answers

    def hold(self, reader: Reader, *topics: str, since: Position | None = None) -> Outcome:
        """Subscribe, let the upstream agree, and return the answer."""
        answers = self.ask(reader, *topics, since=since)
        self.agree()
        return answers[0]

    def agree(self, source: Upstream | None = None) -> None:
        """Let the upstream say yes to all it was asked."""
        source = source or self.upstream
        asked, source.asked = source.asked, []
        source.held |= {topic for topic, _ in asked}
        self.hub.confirmed(source, [Grant(topic, user) for topic, user in asked])

    def refuse(self, code: Code = Code.UPSTREAM_REJECTED) -> None:
        """Let the upstream say no to all it was asked."""
        asked, self.upstream.asked = self.upstream.asked, []
        self.hub.refused(self.upstream, [Refusal(topic, user, code) for topic, user in asked])

    def say(self, *said: tuple[str, Any], source: Upstream | None = None, is_last: bool = False) -> None:
        """Let the upstream say something in each of these topics, at once."""
        updates = [Update(topic, "quote_update", orjson.dumps(data), 1_000, is_last) for topic, data in said]
        self.hub.publish(source or self.upstream, updates)

    def lose(self) -> None:
        """Take the upstream away."""
        self.upstream.is_up = False
        self.upstream.held.clear()
        self.upstream.asked.clear()
        self.hub.fallen(self.upstream)

    def find(self) -> None:
        """Bring it back; it agrees to what it is asked only when `agree` is called."""
        self.upstream.is_up = True
        self.hub.risen(self.upstream)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        self.hub.tick()
