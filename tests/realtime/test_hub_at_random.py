"""Random sequences of everything that can happen to the hub, against a plain model of it.

The model keeps every message of an epoch for ever and works out anew what each client must get; what the clients were
sent has to be exactly that, topic by topic.
"""

import os
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from gateway.realtime.port import Code, Outcome, Position
from gateway.realtime.source import Grant, Refusal
from tests.realtime.stage import Reader, Stage

EXAMPLES = int(os.environ.get("HUB_EXAMPLES", "50"))
"""In `make test`; `HUB_EXAMPLES=3000 make test ARGS=tests/realtime/test_hub_at_random.py` looks longer."""
KEPT = 4
LINGER = 10.0
TOPICS = ("quotes:a", "quotes:b", "analysis:t", "analysis:u", "notifications")
USERS = ("alice", "bob")

type Event = tuple[Any, ...]


def full(topic: str, user: str) -> str:
    """Return a topic's name as messages carry it."""
    return f"notifications:{user}" if topic == "notifications" else topic


@dataclass
class ModelTopic:
    """A topic as the model sees it: `said` are all messages of the epoch, offsets from 1."""

    state: str
    epoch: str | None = None
    said: list[int] = field(default_factory=list)
    is_complete: bool = False
    granted: set[str] = field(default_factory=set)
    readers: "dict[Client, None]" = field(default_factory=dict)
    waiting: "list[Waiting]" = field(default_factory=list)
    idle_since: float | None = None

    @property
    def offset(self) -> int:
        return len(self.said) + self.is_complete


@dataclass(eq=False)
class Client:
    """A client: what it must have got, and what it owes to its slowness: the offset it stopped at, by topic."""

    user: str
    reader: Reader
    expected: dict[str, list[Event]] = field(default_factory=dict)
    got: dict[str, list[Event]] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    is_gone: bool = False

    def expect(self, topic: str, *event: Any) -> None:
        self.expected.setdefault(topic, []).append(event)


@dataclass(eq=False)
class Waiting:
    """A subscription that has not been answered."""

    client: Client
    text: str
    since: Position | None
    answers: list[Outcome]
    deadline: float


class HubMachine(RuleBasedStateMachine):
    """Drives hub and model side by side."""

    clients = Bundle("clients")
    positions = Bundle("positions")

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(messages=KEPT, seconds=1e9, queue=10_000)
        self.topics: dict[str, ModelTopic] = {}
        self.everybody: list[Client] = []
        self.payload = 0

    @property
    def now(self) -> float:
        return self.stage.clock.monotonic()

    @property
    def is_up(self) -> bool:
        return self.stage.upstream.is_up

    # ------------------------------------------------------------------ clients come, ask and go

    @rule(target=clients, user=st.sampled_from(USERS))
    def connect(self, user: str) -> Client:
        client = Client(user, self.stage.join(user))
        self.everybody.append(client)
        return client

    @rule(target=positions, client=consumes(clients))
    def disconnect(self, client: Client) -> Any:
        """The client leaves, and may come back to where it stood."""
        assert client.reader.member is not None
        held = client.reader.member.held()
        client.reader.member.leave()
        client.is_gone = True
        self.check_one(client)
        for name in list(self.topics):
            self.part(client, name)
        return multiple(*((name, Position(one.epoch, one.offset)) for name, one in held.items()))

    @rule(client=clients, topic=st.sampled_from(TOPICS))
    def subscribe(self, client: Client, topic: str) -> None:
        self.ask(client, topic, None)

    @rule(client=clients, position=positions, back=st.integers(0, KEPT + 1))
    def come_back(self, client: Client, position: tuple[str, Position], back: int) -> None:
        name, stood = position
        if name.startswith("notifications") and name != full("notifications", client.user):
            return
        self.ask(client, name, Position(stood.epoch, stood.offset - back))

    @rule(client=clients, topic=st.sampled_from(TOPICS))
    def unsubscribe(self, client: Client, topic: str) -> None:
        assert client.reader.member is not None
        name = full(topic, client.user)
        was_held = name in self.topics and client in self.topics[name].readers
        assert list(client.reader.member.unsubscribe([topic])) == ([topic] if was_held else [])
        if was_held:
            self.part(client, name)

    @rule(client=clients)
    def stall(self, client: Client) -> None:
        client.reader.is_behind = True

    @rule(client=clients)
    def drain(self, client: Client) -> None:
        client.reader.is_behind = False
        assert client.reader.member is not None
        client.reader.member.drained()
        self.model_drain(client)

    # ------------------------------------------------------------------ the upstream answers, speaks, fails

    @precondition(lambda self: self.stage.upstream.asked)
    @rule(data=st.data(), is_yes=st.integers(0, 3).map(bool))
    def answer(self, data: st.DataObject, is_yes: bool) -> None:
        upstream = self.stage.upstream
        ask = data.draw(st.sampled_from(upstream.asked))
        upstream.asked.remove(ask)
        if is_yes:
            upstream.held.add(ask[0])
            self.stage.hub.confirmed(upstream, [Grant(*ask)])
            self.model_confirm(*ask)
        else:
            self.stage.hub.refused(upstream, [Refusal(*ask, Code.UPSTREAM_REJECTED)])
            self.model_refuse(*ask)

    @rule(names=st.lists(st.sampled_from([full(topic, user) for topic in TOPICS for user in USERS]), min_size=1))
    def publish(self, names: list[str]) -> None:
        said = []
        for name in names:
            self.payload += 1
            said.append((name, self.payload))
        self.stage.say(*said)
        for name, payload in said:
            self.model_say(name, payload)

    @rule(name=st.sampled_from(["analysis:t", "analysis:u"]))
    def finish(self, name: str) -> None:
        self.payload += 1
        self.stage.say((name, self.payload), is_last=True)
        if self.model_say(name, self.payload):
            self.model_finish(name)

    @precondition(lambda self: self.is_up)
    @rule()
    def lose(self) -> None:
        self.stage.lose()
        for name, topic in list(self.topics.items()):
            if topic.is_complete:
                continue
            if topic.state == "live":
                self.model_status(name, "stale")
            topic.state = "stale"
            topic.granted.clear()
            self.model_give_up(name, list(topic.waiting))

    @precondition(lambda self: not self.is_up)
    @rule()
    def find(self) -> None:
        self.stage.find()
        for name, topic in list(self.topics.items()):
            if topic.state == "stale" and not topic.is_complete and not (topic.readers or topic.waiting):
                del self.topics[name]

    @rule(seconds=st.sampled_from([1.0, 6.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.stage.wait(seconds)
        late = [one for topic in self.topics.values() for one in topic.waiting if one.deadline <= self.now]
        for name, topic in list(self.topics.items()):
            mine = [one for one in late if one in topic.waiting]
            if mine and topic.state == "asked":
                topic.state = "stale"
            self.model_give_up(name, mine)
        for name, topic in list(self.topics.items()):
            is_due = topic.idle_since is not None and topic.idle_since + LINGER <= self.now
            if is_due and not topic.is_complete:
                del self.topics[name]

    # ------------------------------------------------------------------ the model

    def ask(self, client: Client, text: str, since: Position | None) -> None:
        name = full(text, client.user)
        topic = self.topics.get(name)
        is_held = topic is not None and client in topic.readers
        answers = self.stage.ask(client.reader, text, since=since)
        one = Waiting(client, text, since, answers, self.now + 5)
        if is_held:
            assert answers[0].subscribed[text].offset == topic.offset  # type: ignore[union-attr]
            return
        is_each = name.startswith("analysis")
        needs_grant = is_each and (topic is None or client.user not in topic.granted)
        if needs_grant and not self.is_up:
            assert answers[0].rejected == {text: Code.UPSTREAM_UNAVAILABLE}
            return
        if topic is None:
            topic = self.topics[name] = ModelTopic("asked" if self.is_up else "stale")
        topic.idle_since = None
        topic.waiting.append(one)
        if not needs_grant and topic.state != "asked":
            self.model_attach(name, topic, one)

    def model_attach(self, name: str, topic: ModelTopic, one: Waiting) -> None:
        """Check the answer, and work out what follows it."""
        topic.waiting.remove(one)
        if one.client.is_gone:
            assert not one.answers
            self.model_rest(topic)
            return
        assert len(one.answers) == 1
        held = one.answers[0].subscribed[one.text]
        if one.client in topic.readers:
            return
        if topic.epoch is None:
            topic.epoch = held.epoch
        assert (held.epoch, held.offset) == (topic.epoch, topic.offset)
        assert held.state == ("stale" if topic.state == "stale" and not topic.is_complete else "live")
        since = one.since
        missed: list[int] | None = None
        if since is not None and since.epoch == topic.epoch and 0 <= since.offset <= topic.offset:
            last = len(topic.said)
            if since.offset >= last:
                missed = []
            elif last - since.offset <= KEPT:
                missed = list(range(since.offset + 1, last + 1))
        assert held.recovered == (None if since is None else missed is not None)
        assert held.replay == (None if since is None else len(missed or []))
        if missed is None and name.startswith("quotes") and topic.said:
            missed = [len(topic.said)]
        topic.readers[one.client] = None
        for offset in missed or []:
            self.model_send(one.client, name, topic, offset)
        if topic.is_complete:
            self.model_complete(one.client, name, topic)

    def model_send(self, client: Client, name: str, topic: ModelTopic, offset: int) -> None:
        if client.reader.is_behind:
            client.stopped.setdefault(name, offset)
        else:
            client.expect(name, "message", offset, topic.said[offset - 1])

    def model_complete(self, client: Client, name: str, topic: ModelTopic) -> None:
        if client.reader.is_behind:
            client.stopped.setdefault(name, topic.offset)
        else:
            client.expect(name, "complete", topic.offset)
            self.part(client, name)

    def model_say(self, name: str, payload: int) -> bool:
        topic = self.topics.get(name)
        if topic is None or topic.state != "live" or topic.is_complete:
            return False
        topic.said.append(payload)
        for client in topic.readers:
            self.model_send(client, name, topic, len(topic.said))
        return True

    def model_finish(self, name: str) -> None:
        topic = self.topics[name]
        topic.is_complete = True
        for client in list(topic.readers):
            self.model_complete(client, name, topic)
        self.model_rest(topic)

    def model_drain(self, client: Client) -> None:
        for name in sorted(client.untold):
            topic = self.topics[name]
            is_stale = topic.state == "stale" and not topic.is_complete
            client.expect(name, "status", "stale" if is_stale else "live")
        client.untold.clear()
        stopped, client.stopped = client.stopped, {}
        for name, first in stopped.items():
            topic = self.topics[name]
            last = len(topic.said)
            if name.startswith("quotes"):
                first = max(first, last)  # noqa: PLW2901
            elif first <= last - KEPT:
                client.expect(name, "unsubscribed", 2500)
                self.part(client, name)
                continue
            for offset in range(first, last + 1):
                self.model_send(client, name, topic, offset)
            if topic.is_complete:
                self.model_complete(client, name, topic)

    def model_confirm(self, name: str, user: str | None) -> None:
        topic = self.topics.get(name)
        if topic is None:
            return
        is_each = name.startswith("analysis")
        if is_each and user is not None:
            topic.granted.add(user)
        if not topic.is_complete:
            if topic.state == "stale":
                topic.said, topic.epoch = [], None
                self.model_status(name, "live")
            topic.state = "live"
        for one in list(topic.waiting):
            if not is_each or one.client.user == user:
                self.model_attach(name, topic, one)

    def model_refuse(self, name: str, user: str | None) -> None:
        topic = self.topics.get(name)
        if topic is None:
            return
        is_each = name.startswith("analysis")
        for one in [one for one in topic.waiting if not is_each or one.client.user == user]:
            topic.waiting.remove(one)
            if not one.client.is_gone:
                assert one.answers[0].rejected == {one.text: Code.UPSTREAM_REJECTED}
        for client in [client for client in topic.readers if not is_each or client.user == user]:
            client.expect(name, "unsubscribed", Code.UPSTREAM_REJECTED.number)
            self.part(client, name)
        if not (topic.readers or topic.waiting) and topic.state != "live" and not topic.is_complete:
            del self.topics[name]
        else:
            self.model_rest(topic)

    def model_status(self, name: str, state: str) -> None:
        for client in self.topics[name].readers:
            if client.reader.is_behind:
                client.untold.add(name)
                if state == "live":
                    client.stopped.pop(name, None)
            else:
                client.expect(name, "status", state)

    def model_give_up(self, name: str, waiting: list[Waiting]) -> None:
        topic = self.topics[name]
        for one in waiting:
            if name.startswith("analysis"):
                topic.waiting.remove(one)
                if not one.client.is_gone:
                    assert one.answers[0].rejected == {one.text: Code.UPSTREAM_UNAVAILABLE}
                self.model_rest(topic)
            else:
                self.model_attach(name, topic, one)

    def part(self, client: Client, name: str) -> None:
        topic = self.topics[name]
        if client in topic.readers:
            del topic.readers[client]
            self.model_rest(topic)
        client.stopped.pop(name, None)
        client.untold.discard(name)

    def model_rest(self, topic: ModelTopic) -> None:
        if not (topic.readers or topic.waiting) and topic.idle_since is None:
            topic.idle_since = self.now

    # ------------------------------------------------------------------ what must be true at any time

    @invariant()
    def everybody_got_what_the_model_says(self) -> None:
        for client in self.everybody:
            self.check_one(client)

    def check_one(self, client: Client) -> None:
        for frame in client.reader.take():
            for name in frame.get("topics") or [frame["topic"]]:
                client.got.setdefault(name, []).append(self.event(name, frame))
        assert client.got == client.expected

    def event(self, name: str, frame: dict[str, Any]) -> Event:
        match frame["type"]:
            case "message":
                return "message", frame["offset"], frame["data"]
            case "status":
                if frame["state"] == "live":
                    topic = self.topics[name]
                    assert topic.epoch in {None, frame["epoch"]}
                    topic.epoch = frame["epoch"]
                return "status", frame["state"]
            case "complete":
                return "complete", frame["offset"]
            case _:
                return "unsubscribed", frame["code"]

    @invariant()
    def the_upstream_holds_each_wanted_topic_once_and_no_other(self) -> None:
        assert {topic.name for topic in self.stage.hub} == set(self.topics)
        asked = {name for name, _ in self.stage.upstream.asked}
        live = {name for name, topic in self.topics.items() if topic.state == "live" and not topic.is_complete}
        assert live <= self.stage.upstream.held or not self.is_up
        assert self.stage.upstream.held | asked <= set(self.topics)
        assert self.stage.hub.topics() == {name: len(one.readers) for name, one in self.topics.items() if one.readers}


TestHubAtRandom = HubMachine.TestCase
TestHubAtRandom.settings = settings(max_examples=EXAMPLES, stateful_step_count=50, deadline=None)
