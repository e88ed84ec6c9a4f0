"""The registry of all topics in one process: whose they are, who listens, and where their messages come from.

Subscriptions of all clients are counted onto upstream ones: the first subscriber of a topic asks its source for it, the
last one's leaving ends that after a moment. Pure: no loop, no sockets; time and chance come in.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from gateway.core.clock import Clock
from gateway.policy.decision import Caller
from gateway.policy.verified import Verified
from gateway.realtime.delivery import UPSTREAM_DOWN, Delivery, Said
from gateway.realtime.entry import Entry
from gateway.realtime.family import Address
from gateway.realtime.member import Member
from gateway.realtime.port import Code, FeedState, Held, Outcome, Subscriber, Wish
from gateway.realtime.register import Register, Rules
from gateway.realtime.source import Grant, Refusal, Source, Update
from gateway.realtime.topic import State, Topic

ANSWER_SECONDS: Final = 5.0
"""How long a subscription waits for the upstream's answer."""
SWEEP_SECONDS: Final = 5.0
"""How often histories are shortened and unanswered questions repeated."""


class Sides(Protocol):
    """Knows where topics come from."""

    def choose(self, address: Address, token: Verified) -> Source:
        """Return the source of a topic, for the first who wants it."""

    def sources(self) -> Sequence[Source]:
        """Return all of them."""


class Hub:
    """Owns the topics. Nothing here waits; every answer is given by a callback, sooner or later.

    `epoch` makes a text that no topic had before, in this process or another.
    """

    def __init__(self, rules: Rules, sides: Sides, delivery: Delivery, clock: Clock, epoch: Callable[[], str]) -> None:
        self._register = Register(rules, clock, epoch)
        self._sides = sides
        self._delivery = delivery
        self._clock = clock
        self._entries: dict[Entry, None] = {}
        self._sweep_at = 0.0
        self.members = 0

    def __repr__(self) -> str:
        return f"<Hub: {self.members} members, {len(self._register)} topics, {len(self._entries)} questions>"

    # ------------------------------------------------------------------ for connections

    def join(self, subscriber: Subscriber, caller: Caller) -> Member:
        """Take a subscriber in."""
        self.members += 1
        return Member(self, subscriber, caller)

    def leave(self, member: Member) -> None:
        """Forget a subscriber; may be called again."""
        if member.is_gone:
            return
        member.is_gone = True
        self.members -= 1
        member.backlog = None
        for topic in member.topics.values():
            topic.remove(member)
            self._register.rest(topic)
        member.topics.clear()

    def topics(self) -> Mapping[str, int]:
        """Return every topic that somebody holds, with the number of its subscribers."""
        return {topic.name: topic.count for topic in self._register if topic.groups}

    def families(self) -> Collection[str]:
        """Return the configured patterns."""
        return self._register.rules.families.patterns()

    def feeds(self) -> Sequence[FeedState]:
        """Return how the sources stand."""
        return [source.state for source in self._sides.sources()]

    def find(self, name: str) -> Topic | None:
        """Return a topic that is known."""
        return self._register.find(name)

    def __iter__(self) -> Iterator[Topic]:
        return iter(self._register)

    def resolve(self, text: str, subject: str | None) -> Address | Code:
        """Return the topic that a caller means, or why there is none for them."""
        return self._register.rules.families.resolve(text, subject)

    # ------------------------------------------------------------------ subscribing

    def subscribe(self, member: Member, wishes: Sequence[Wish], answer: Callable[[Outcome], None]) -> None:
        """Subscribe, and answer now or when the upstream has."""
        entry = Entry(member, answer, self._clock.monotonic() + ANSWER_SECONDS)
        member.entries += (entry,)
        for wish in wishes:
            code = self._consider(entry, wish)
            if code is not None:
                entry.rejected[wish.topic] = code
        self._entries[entry] = None
        self._settle((entry,))

    def _consider(self, entry: Entry, wish: Wish) -> Code | None:
        """Take one wish into its command; return why not, if not."""
        member = entry.member
        address = self.resolve(wish.topic, member.user)
        if isinstance(address, Code):
            return address
        topic = member.topics.get(address.topic)
        if topic is None:
            if self._room(entry, address) <= 0:
                return Code.LIMIT_EXCEEDED
            found = self._ask(entry, address)
            if isinstance(found, Code):
                return found
            topic = found
        entry.add(wish.topic, topic, wish.since)
        self._register.wake(topic)
        return None

    def _room(self, entry: Entry, address: Address) -> int:
        member = entry.member
        asked = {topic.name for one in member.entries for topic in one.topics.values()}
        asked |= {topic.name for topic in entry.topics.values()}
        return self._register.rules.subscriptions - len((asked | member.topics.keys()) - {address.topic})

    def _ask(self, entry: Entry, address: Address) -> Topic | Code:
        """Return the topic, having asked its source if there is anything to ask."""
        user = entry.member.user
        topic = self._register.find(address.topic)
        source = topic.source if topic is not None else self._sides.choose(address, entry.member.token)
        is_asked_each = address.family.authorize == "upstream"
        if is_asked_each and (topic is None or user not in topic.granted):
            if user is None:
                return Code.PERMISSION_DENIED
            if not source.is_up:
                return Code.UPSTREAM_UNAVAILABLE
            topic = topic or self._register.open(address, source, entry.member.token)
            topic.is_repeating = topic.state is State.LIVE
            source.subscribe(address, user)
            entry.waiting[topic] = None
        elif topic is None:
            topic = self._register.open(address, source, entry.member.token)
            if source.is_up:
                source.subscribe(address, address.owner)
            else:
                topic.state = State.STALE
        if topic.state is State.ASKED:
            entry.waiting[topic] = None
        return topic

    def _settle(self, entries: Iterable[Entry]) -> None:
        """Answer the commands that wait for nothing more."""
        for entry in entries:
            if not entry.waiting and entry in self._entries:
                del self._entries[entry]
                self._answer(entry)

    def _answer(self, entry: Entry) -> None:
        member = entry.member
        held: dict[str, Held] = {}
        fresh = []
        entry.part()
        member.entries = tuple(one for one in member.entries if one is not entry)
        if not member.is_gone:
            for text, topic in entry.topics.items():
                since = entry.since[text]
                if topic.name in member.topics:
                    held[text] = topic.held()
                    continue
                member.topics[topic.name] = topic
                topic.add(member)
                held[text] = topic.held(since)
                fresh.append((topic, since))
            entry.answer(held)
        if not member.is_gone:
            self._delivery.greet(member, fresh)
        for topic in entry.topics.values():
            self._register.rest(topic)

    def unsubscribe(self, member: Member, text: str) -> bool:
        """Leave one topic; return whether it was held."""
        address = self.resolve(text, member.user)
        topic = member.topics.pop(address.topic if isinstance(address, Address) else text, None)
        if topic is None:
            return False
        topic.remove(member)
        if member.backlog is not None:
            member.backlog.forget(topic)
        self._register.rest(topic)
        return True

    def drained(self, member: Member) -> None:
        """Write what a subscriber missed while it was behind."""
        topics = [*member.backlog.first] if member.backlog is not None else []
        self._delivery.resume(member)
        for topic in topics:
            self._register.rest(topic)

    # ------------------------------------------------------------------ for sources

    def publish(self, source: Source, updates: Sequence[Update]) -> None:
        """Pass on messages that came together, in their order."""
        now = self._clock.monotonic()
        said: list[Said] = []
        ended = []
        for update in updates:
            topic = self._register.find(update.topic)
            if topic is None or topic.state is not State.LIVE or topic.source is not source:
                continue
            message = topic.append(update, now)
            if message is not None:
                said.append((topic, message))
            if update.is_last:
                ended.append(topic)
                topic.state = State.COMPLETE
                topic.offset += 1
        if len(said) == 1:
            self._delivery.say(*said[0])
        elif said:
            self._delivery.say_all(said)
        for topic in ended:
            self._delivery.complete(topic)
            self._register.wake(topic)  # it stays longer now than one that was merely left
            self._register.rest(topic)

    def risen(self, source: Source) -> None:
        """Ask for everything again that is wanted from this source."""
        for topic in [topic for topic in self._register if topic.source is source]:
            if topic.state is not State.STALE:
                continue
            if topic.is_wanted:
                self._ask_again(topic, source)
            else:
                self._register.forget(topic)
        self.arrange()

    def _ask_again(self, topic: Topic, source: Source) -> None:
        topic.asked_at = self._clock.monotonic()
        for user in topic.users():
            source.subscribe(topic.address, user)

    def fallen(self, source: Source, names: Collection[str] | None = None) -> None:
        """Tell everybody whose topics came from there; all of them, or these."""
        lost: list[Topic] = []
        asking: list[tuple[Entry, Topic]] = []
        for topic in self._register.named(names):
            if topic.next is source:
                topic.next = None
            if topic.source is not source or topic.state is State.COMPLETE:
                continue
            if topic.state is State.LIVE:
                lost.append(topic)
            topic.state = State.STALE
            topic.granted.clear()
            asking.extend((entry, topic) for entry in topic.entries)
        self._delivery.status(lost, "stale", UPSTREAM_DOWN, None)
        self._give_up(asking)

    def _give_up(self, asking: Iterable[tuple[Entry, Topic]]) -> None:
        """Answer what cannot be asked now: topics of everybody's and one's own are held all the same."""
        asking = list(asking)
        for entry, topic in asking:
            if topic.is_asked_each and topic in entry.waiting:
                entry.reject(topic, Code.UPSTREAM_UNAVAILABLE)
                self._register.rest(topic)
            entry.waiting.pop(topic, None)
        self._settle([entry for entry, _ in asking])

    def confirmed(self, source: Source, grants: Sequence[Grant]) -> None:
        """Go on with what the upstream said yes to."""
        epoch = self._register.epoch()
        anew, ready = [], []
        for grant in grants:
            topic = self._register.find(grant.topic)
            if topic is None or source not in (topic.source, topic.next):
                continue
            if grant.user is not None:
                topic.granted.add(grant.user)
            if self._stand(topic, source, epoch):
                anew.append(topic)
            for entry in topic.entries:
                if not topic.is_asked_each or entry.member.user == grant.user:
                    entry.waiting.pop(topic, None)
                    ready.append(entry)
        self._delivery.status(anew, "live", None, epoch)
        self._settle(ready)

    def _stand(self, topic: Topic, source: Source, epoch: str) -> bool:
        """Let a topic live on what this source says; return whether something may have been missed."""
        if topic.next is source:
            for user in topic.users():
                topic.source.unsubscribe(topic.address, user)
            topic.source, topic.next = source, None
            is_anew = topic.state is not State.ASKED
        else:
            is_anew = topic.state is State.STALE
        if topic.state is State.COMPLETE:
            return False
        topic.state = State.LIVE
        if is_anew:
            topic.renew(epoch, self._register.rules.keep)
        return is_anew

    def refused(self, source: Source, refusals: Sequence[Refusal]) -> None:
        """Pass on the upstream's no, or wait a little if that may help."""
        for refusal in refusals:
            topic = self._register.find(refusal.topic)
            if topic is None:
                continue
            if topic.next is source:
                topic.next = None
            elif topic.source is source and refusal.code.is_temporary:
                self._wait(topic, refusal.user)
            elif topic.source is source:
                self._turn_away(topic, refusal)

    def _wait(self, topic: Topic, user: str | None) -> None:
        if topic.state is State.ASKED:
            topic.state = State.STALE
        entries = [entry for entry in topic.entries if not topic.is_asked_each or entry.member.user == user]
        self._give_up([(entry, topic) for entry in entries])

    def _turn_away(self, topic: Topic, refusal: Refusal) -> None:
        def is_meant(member: Member) -> bool:
            return not topic.is_asked_each or member.user == refusal.user

        entries = [entry for entry in topic.entries if is_meant(entry.member)]
        for entry in entries:
            entry.reject(topic, refusal.code)
        for member in topic.members():
            if is_meant(member):
                self._delivery.dismiss(member, topic, refusal.code.number, refusal.code.reason)
        if not topic.is_wanted and topic.state is not State.LIVE and topic.state is not State.COMPLETE:
            self._register.forget(topic)
        else:
            self._register.rest(topic)
        self._settle(entries)

    # ------------------------------------------------------------------ as time goes by

    def tick(self) -> None:
        """Do what is due. To be called a few times a second."""
        now = self._clock.monotonic()
        late = [entry for entry in self._entries if entry.deadline <= now]
        for topic in [topic for entry in late for topic in entry.waiting]:
            if topic.state is State.ASKED:
                topic.state = State.STALE
        self._give_up([(entry, topic) for entry in late for topic in tuple(entry.waiting)])
        self._register.tidy()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._sweep(now)

    def _sweep(self, now: float) -> None:
        oldest = now - self._register.rules.keep.seconds
        for topic in self._register:
            topic.history.expire(oldest)
            if topic.state is State.STALE and topic.source.is_up and topic.asked_at <= now - ANSWER_SECONDS:
                self._ask_again(topic, topic.source)
        self.arrange()

    def arrange(self) -> None:
        """Begin to move topics whose messages should come from elsewhere; nobody is told before it is done."""
        for topic in self._register:
            if topic.state is State.COMPLETE or topic.next is not None:
                continue
            chosen = self._sides.choose(topic.address, topic.token)
            if chosen is not topic.source and chosen.is_up:
                topic.next = chosen
                for user in topic.users():
                    chosen.subscribe(topic.address, user)

    def apply(self, rules: Rules) -> None:
        """Go by other rules from now on; who holds a topic that exists no more is told."""
        self._register.rules = rules
        for topic in self._register:
            address = rules.families.resolve(topic.name, topic.address.owner)
            if isinstance(address, Address) and address.family.authorize == topic.address.family.authorize:
                topic.address = address
                continue
            code = address if isinstance(address, Code) else Code.UNKNOWN_TOPIC
            for entry in tuple(topic.entries):
                entry.reject(topic, code)
                self._settle((entry,))
            for member in topic.members():
                self._delivery.dismiss(member, topic, code.number, code.reason)
            self._register.forget(topic)
        self.arrange()
