"""Who is subscribed to what in this process, and the way from the domain's events to the sockets.

Owns the registry and one Redis subscription for all sockets; knows nothing of WebSockets or of rights. Delivery never
waits: a subscriber takes a push or deals with its own trouble.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from backends.domain.clock import Clock
from backends.domain.market import Quote
from backends.domain.notifications import Notifications, notifications_channel, progress_channel
from backends.domain.quotes import QuoteService
from backends.domain.tasks import cancel_all, spawn
from backends.v2.ws.command import CHANNELS
from backends.v2.ws.frame import Push, Topic, analysis_event, notification, quote_update

logger = logging.getLogger(__name__)

ANALYSES = progress_channel("*")
NOTIFICATIONS = notifications_channel("*")


class Subscriber(Protocol):
    """Something that takes pushes without waiting."""

    def deliver(self, push: Push) -> None:
        """Takes one push."""
        ...

    def leave(self) -> None:
        """Told to go, because the process stops."""
        ...


class Hub:
    """The registry of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._topics: dict[Topic, set[Subscriber]] = {}
        self._held: dict[Subscriber, set[Topic]] = {}

    def __repr__(self) -> str:
        return f"<Hub: {len(self._held)} sockets, {len(self._topics)} topics>"

    def join(self, subscriber: Subscriber) -> None:
        """A socket opened."""
        self._held[subscriber] = set()

    def part(self, subscriber: Subscriber) -> None:
        """A socket closed; harmless to repeat."""
        for topic in self._held.pop(subscriber, set()):
            self._remove(topic, subscriber)

    def dismiss(self) -> None:
        """Tells every socket to go."""
        for subscriber in list(self._held):
            subscriber.leave()

    def subscribe(self, subscriber: Subscriber, topic: Topic) -> None:
        """From now on the socket gets the topic's pushes; no error if it did already."""
        self._held[subscriber].add(topic)
        self._topics.setdefault(topic, set()).add(subscriber)

    def unsubscribe(self, subscriber: Subscriber, topic: Topic) -> None:
        """The socket gets no more of them; no error if it did not."""
        self._held[subscriber].discard(topic)
        self._remove(topic, subscriber)

    def is_subscribed(self, subscriber: Subscriber, topic: Topic) -> bool:
        """Whether the socket gets the topic's pushes."""
        return topic in self._held.get(subscriber, ())

    def publish(self, push: Push) -> None:
        """Hands a push to its subscribers; after a topic's last one they are subscribed no more."""
        subscribers = self._topics.get(push.topic)
        if not subscribers:
            return
        for subscriber in list(subscribers):
            subscriber.deliver(push)
            if push.is_last:
                self.unsubscribe(subscriber, push.topic)

    def hear_quotes(self, quotes: list[Quote]) -> None:
        """The quotes that changed; what nobody asked for is not even encoded."""
        now = self._clock.now()
        for quote in quotes:
            if Topic("quotes", quote.symbol) in self._topics:
                self.publish(quote_update(quote, now))

    def hear_event(self, event: dict[str, Any]) -> None:
        """A message of the domain about a task or a user."""
        now = self._clock.now()
        if event["channel"].startswith(ANALYSES.removesuffix("*")):
            self.publish(analysis_event(event, now))
        else:
            self.publish(notification(event, now))

    @property
    def connections(self) -> int:
        """Open sockets."""
        return len(self._held)

    def subscriptions(self) -> dict[str, int]:
        """Subscriptions by channel."""
        counts: dict[str, int] = dict.fromkeys(CHANNELS, 0)
        for topic, subscribers in self._topics.items():
            counts[topic.channel] += len(subscribers)
        return counts

    def quote_subscriptions(self) -> dict[str, int]:
        """Subscriptions by symbol."""
        return {
            topic.member: len(subscribers)
            for topic, subscribers in sorted(self._topics.items(), key=lambda item: item[0].member)
            if topic.channel == "quotes"
        }

    def _remove(self, topic: Topic, subscriber: Subscriber) -> None:
        subscribers = self._topics.get(topic)
        if subscribers is None:
            return
        subscribers.discard(subscriber)
        if not subscribers:
            del self._topics[topic]


@asynccontextmanager
async def hearing(hub: Hub, quotes: QuoteService, notifications: Notifications) -> AsyncIterator[None]:
    """Keeps the hub informed: quotes by a listener, everything else by one Redis subscription."""
    tasks: set[asyncio.Task[Any]] = set()
    async with notifications.listen_matching(ANALYSES, NOTIFICATIONS) as events:
        stop_quotes = quotes.subscribe(hub.hear_quotes)
        spawn(_relay(events, hub), name="v2 events", owner=tasks)
        try:
            yield
        finally:
            stop_quotes()
            await cancel_all(tasks)


async def _relay(events: AsyncIterator[dict[str, Any]], hub: Hub) -> None:
    async for event in events:
        try:
            hub.hear_event(event)
        except Exception:
            logger.exception("cannot pass on a message of %s", event.get("channel"))
