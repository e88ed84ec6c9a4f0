"""From a topic's messages to its subscribers' transports. The loop over subscribers is as bare as Python allows.

A subscriber that reads is written to at once. One that is behind is written nothing: it costs a number for each topic,
and is sent what it missed when it has caught up, in pieces that never fill its transport by more than one of them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.realtime.encode import Encoder
from gateway.realtime.history import Message
from gateway.realtime.member import Backlog, Member
from gateway.realtime.port import Dialect, Position, Subscriber
from gateway.realtime.topic import State, Topic

PIECE_BYTES: Final = 64 << 10
SLOW_CONSUMER: Final = 4508
NORMAL: Final = 1000
OVERRUN: Final = 2500
UPSTREAM_DOWN: Final = "upstream_down"

type Said = tuple[Topic, Message]


class Parcel:
    """Frames for one subscriber that go out together, in pieces of at most PIECE_BYTES and a frame."""

    __slots__ = ("_frames", "_size", "subscriber")

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self._frames: list[bytes] = []
        self._size = 0

    def __repr__(self) -> str:
        return f"<Parcel of {self._size} bytes>"

    def add(self, frame: bytes) -> None:
        """Put a frame in; nobody should while the subscriber is behind."""
        self._frames.append(frame)
        self._size += len(frame)
        if self._size >= PIECE_BYTES:
            self.send()

    def send(self) -> None:
        """Write what has been put in."""
        data = b"".join(self._frames)
        self._frames.clear()
        self._size = 0
        if data:
            self.subscriber.write(data)


class Delivery:
    """Writes. It decides nothing about who is subscribed, but lets go whoever cannot be served any more.

    `sent` counts messages that were written, `dropped` those that were not, or subscriptions, by the reason. `queue` is
    how many messages of topics that are not conflated may wait for one subscriber.
    """

    def __init__(self, encoders: Mapping[Dialect, Encoder], queue: int) -> None:
        self._encoders = encoders
        self.queue = queue
        self.sent = 0
        self.dropped: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Delivery: {self.sent} sent, {dict(self.dropped)} dropped>"

    # ------------------------------------------------------------------ what has just been said

    def say(self, topic: Topic, message: Message) -> None:
        """Write one message to everybody, at once."""
        for dialect, group in tuple(topic.groups.items()):
            data = self._frame(topic, message, dialect)
            late = []
            for subscriber in tuple(group):
                if subscriber.is_behind:
                    late.append(subscriber)
                else:
                    subscriber.write(data)
            self.sent += len(group) - len(late)
            for subscriber in late:
                self._miss(group[subscriber], topic, message.offset)

    def say_all(self, said: Sequence[Said]) -> None:
        """Write messages that came together: one write for each subscriber, however many of them it gets."""
        pending: defaultdict[Subscriber, list[bytes]] = defaultdict(list)
        late: list[tuple[Member, Topic, int]] = []
        for topic, message in said:
            for dialect, group in topic.groups.items():
                data = self._frame(topic, message, dialect)
                self.sent += len(group)
                for subscriber in group:
                    if subscriber.is_behind:
                        late.append((group[subscriber], topic, message.offset))
                    else:
                        pending[subscriber].append(data)
        self.sent -= len(late)
        for subscriber, frames in pending.items():
            subscriber.write(frames[0] if len(frames) == 1 else b"".join(frames))
        for member, topic, offset in late:
            self._miss(member, topic, offset)

    def complete(self, topic: Topic) -> None:
        """Say that nothing more comes, and let everybody go who has been told."""
        for member in topic.members():
            if member.subscriber.is_behind:
                self._owe(member, topic, topic.offset)
            else:
                parcel = Parcel(member.subscriber)
                self._finish(member, topic, parcel)
                self._dispatch(member, parcel)

    def status(self, topics: Iterable[Topic], state: str, reason: str | None, epoch: str | None) -> None:
        """Tell everybody how topics stand from now on; one frame for each subscriber."""
        concerned: dict[Member, list[str]] = {}
        for topic in topics:
            for member in topic.members():
                if member.subscriber.is_behind:
                    self._owe_status(member, topic, is_anew=epoch is not None)
                else:
                    concerned.setdefault(member, []).append(topic.name)
        frames: dict[tuple[Dialect, tuple[str, ...]], bytes] = {}
        for member, names in concerned.items():
            key = (member.subscriber.dialect, tuple(names))
            if key not in frames:
                frames[key] = self._encoders[key[0]].status(names, state, reason, epoch)
            if frames[key]:
                member.subscriber.write(frames[key])

    def dismiss(self, member: Member, topic: Topic, number: int, reason: str) -> None:
        """End a subscription, and say why."""
        parcel = Parcel(member.subscriber)
        self._dismiss(member, topic, parcel, number, reason)
        self._dispatch(member, parcel)

    # ------------------------------------------------------------------ what was said before

    def greet(self, member: Member, topics: Iterable[tuple[Topic, Position | None]]) -> None:
        """Write what new subscriptions begin with: what was missed, or the last value."""
        parcel = Parcel(member.subscriber)
        for topic, since in topics:
            for message in self._opening(topic, since, member.subscriber.dialect):
                if not self._hand(member, topic, message, parcel):
                    break
            if topic.state is State.COMPLETE:
                if self._owes(member, topic) or member.subscriber.is_behind:
                    self._owe(member, topic, topic.offset)
                else:
                    self._finish(member, topic, parcel)
        self._dispatch(member, parcel)

    def resume(self, member: Member) -> None:
        """Write what a subscriber has missed, until it is behind again."""
        backlog = member.backlog
        if backlog is None:
            return
        parcel = Parcel(member.subscriber)
        while backlog and not (member.subscriber.is_behind or member.is_gone):
            self._catch_up(member, backlog, next(iter(backlog.untold or backlog.first)), parcel)
        if not backlog:
            member.backlog = None
        self._dispatch(member, parcel)

    def _opening(self, topic: Topic, since: Position | None, dialect: Dialect) -> Iterable[Message]:
        missed = topic.missed(since) if since is not None else None
        if missed is not None:
            return missed
        family = topic.address.family
        # Both older dialects say how things stand when one subscribes; ours does for what it conflates.
        says_state = family.conflate or (dialect is not Dialect.CROSSFADE and family.has_state)
        newest = topic.history.newest
        return (newest,) if says_state and newest is not None else ()

    def _catch_up(self, member: Member, backlog: Backlog, topic: Topic, parcel: Parcel) -> None:
        if topic in backlog.untold:
            del backlog.untold[topic]
            state = "stale" if topic.state is State.STALE else "live"
            reason = UPSTREAM_DOWN if topic.state is State.STALE else None
            encoder = self._encoders[member.subscriber.dialect]
            parcel.add(encoder.status((topic.name,), state, reason, topic.epoch))
            return
        first = backlog.first.pop(topic)
        messages = self._missed(topic, first)
        if messages is None:
            self.dropped["overrun"] += 1
            self._dismiss(member, topic, parcel, OVERRUN, "insufficient_state")
            return
        for message in messages:
            if not self._hand(member, topic, message, parcel):
                return
            backlog.waiting -= not topic.address.family.conflate
        if topic.state is State.COMPLETE:
            self._finish(member, topic, parcel)

    def _missed(self, topic: Topic, first: int) -> Iterable[Message] | None:
        if not topic.address.family.conflate:
            return topic.history.after(first - 1)
        newest = topic.history.newest
        if newest is None or newest.offset < first:
            return ()
        self.dropped["conflated"] += newest.offset - first
        return (newest,)

    def _hand(self, member: Member, topic: Topic, message: Message, parcel: Parcel) -> bool:
        """Write a message if that is possible now, else remember that it is missing."""
        if member.subscriber.is_behind:
            self._owe(member, topic, message.offset)
            return False
        parcel.add(self._frame(topic, message, member.subscriber.dialect))
        self.sent += 1
        return True

    # ------------------------------------------------------------------ ends, and what is owed

    def _finish(self, member: Member, topic: Topic, parcel: Parcel) -> None:
        parcel.add(self._encoders[member.subscriber.dialect].complete(topic.name, topic.offset))
        self._part(member, topic)

    def _dismiss(self, member: Member, topic: Topic, parcel: Parcel, number: int, reason: str) -> None:
        parcel.add(self._encoders[member.subscriber.dialect].unsubscribed(topic.name, number, reason))
        self._part(member, topic)

    def _part(self, member: Member, topic: Topic) -> None:
        topic.remove(member)
        member.topics.pop(topic.name, None)
        if member.backlog is not None:
            member.backlog.forget(topic)

    def _dispatch(self, member: Member, parcel: Parcel) -> None:
        parcel.send()
        # A stream of server-sent events is one topic's, and ends with it.
        if member.subscriber.dialect is Dialect.EVENTS and not member.topics and not member.is_gone:
            member.subscriber.close(NORMAL, "complete")

    def _miss(self, member: Member, topic: Topic, offset: int) -> None:
        """Remember where a subscriber stopped; close it when it is too far behind to be served."""
        backlog = self._owe(member, topic, offset)
        if topic.address.family.conflate or member.is_gone:
            return
        backlog.waiting += 1
        if backlog.waiting > self.queue:
            self.dropped["slow"] += 1
            member.subscriber.close(SLOW_CONSUMER, "slow consumer")

    def _owe(self, member: Member, topic: Topic, offset: int) -> Backlog:
        if member.backlog is None:
            member.backlog = Backlog()
        member.backlog.first.setdefault(topic, offset)
        return member.backlog

    def _owes(self, member: Member, topic: Topic) -> bool:
        return member.backlog is not None and topic in member.backlog.first

    def _owe_status(self, member: Member, topic: Topic, *, is_anew: bool) -> None:
        if member.backlog is None:
            member.backlog = Backlog()
        member.backlog.untold[topic] = None
        if is_anew:
            member.backlog.first.pop(topic, None)

    def _frame(self, topic: Topic, message: Message, dialect: Dialect) -> bytes:
        frame = message.frames.get(dialect)
        if frame is None:
            frame = self._encoders[dialect].message(topic.name, topic.epoch, message)
            message.frames[dialect] = frame
        return frame
