"""The realtime part of one process, put together: the hub, its sources, and the timer that drives it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from secrets import token_hex
from typing import Any, Final

from gateway.config.schema import Config, Realtime
from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.observability.metrics import Gauge, Metrics, Reading
from gateway.realtime.credential import Credentials
from gateway.realtime.delivery import Delivery
from gateway.realtime.encode import encoders
from gateway.realtime.family import Families
from gateway.realtime.feed import Endpoints, Feed
from gateway.realtime.history import Keep
from gateway.realtime.hub import Hub
from gateway.realtime.legacy import LegacyStreams
from gateway.realtime.register import Rules
from gateway.realtime.shape import legacy_shape, successor_shape
from gateway.realtime.sides import Sides, families, legacy_upstreams

TICK_SECONDS: Final = 0.25
NO_REALTIME: Final = Realtime(upstream="none")
"""What holds while the file has no `realtime`: a hub without topics, which nobody can reach."""


class Bridge:
    """Owns the hub and what it hears: started with the data plane, changed with each reload, closed with it.

    A reload keeps every client; a feed whose upstream or token changes is replaced by another, and its topics move.
    """

    def __init__(
        self, config: Config, snapshot: Cell[Snapshot], metrics: Metrics, clock: Clock, chance: Random
    ) -> None:
        self._config = config
        self._snapshot = snapshot
        self._metrics = metrics
        self._clock = clock
        self._chance = chance
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: set[asyncio.Task[Any]] = set()
        self._families = self._known_families()
        self._feed = self._new_feed()
        self._streams = self._wanted_streams({})
        self._sides = Sides(snapshot, self._feed, self._streams, clock)
        self.delivery = Delivery(encoders(self._legacy_shape), self._realtime.limits.queue)
        self.hub = Hub(self._rules(), self._sides, self.delivery, clock, lambda: token_hex(4))
        self._is_started = False

    def __repr__(self) -> str:
        return f"<Bridge {self.hub}, {self._sides}>"

    @property
    def _realtime(self) -> Realtime:
        return self._config.realtime or NO_REALTIME

    @property
    def _sources(self) -> "list[Feed | LegacyStreams]":
        return [self._feed, *self._streams.values()]

    # ------------------------------------------------------------------ its life

    def start(self) -> None:
        """Connect to the upstreams and begin to tick."""
        self._is_started = True
        self._begin()
        spawn(self._tick(), name="realtime ticks", owner=self._tasks)

    async def close(self) -> None:
        """Disconnect; may be called again."""
        await cancel_all(self._tasks)
        for source in self._sources:
            await source.close()
        await cancel_all(self._closing)

    def apply(self, config: Config) -> None:
        """Go by another configuration, whose snapshot is the running one already; nothing here waits."""
        before, self._config = self._config, config
        self._families = self._known_families()
        self.delivery.queue = self._realtime.limits.queue
        self._streams = self._wanted_streams(self._streams)
        self._sides.legacy = self._streams
        if _connection(before) != _connection(config):
            self._retire(self._feed)
            self._feed = self._sides.successor = self._new_feed()
        self._begin()
        self.hub.apply(self._rules())

    def _begin(self) -> None:
        """Start what has not been started."""
        if not self._is_started or self._config.realtime is None:
            return
        for source in self._sources:
            if not source.is_started:
                source.start(self.hub)

    def _retire(self, source: Feed | LegacyStreams) -> None:
        if self._is_started:
            spawn(source.close(), name=f"close {source.name}", owner=self._closing)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.hub.tick()
            self._metrics.ws_messages[("out",)] = self.delivery.sent
            for reason, count in self.delivery.dropped.items():
                self._metrics.ws_dropped[(reason,)] = count

    # ------------------------------------------------------------------ what the configuration says

    def _rules(self) -> Rules:
        realtime = self._realtime
        keep = Keep(realtime.history.messages, realtime.history.duration)
        return Rules(self._families, keep, realtime.linger, realtime.limits.subscriptions)

    def _known_families(self) -> Families:
        return families(self._config.realtime, self._config)

    def _new_feed(self) -> Feed:
        realtime = self._realtime
        credentials = Credentials.of(realtime, self._config.auth, self._clock)
        endpoints = self._endpoints(realtime.upstream)
        return Feed(realtime.upstream, realtime.path, endpoints, credentials.service, self._clock, self._chance)

    def _wanted_streams(self, running: Mapping[str, LegacyStreams]) -> Mapping[str, LegacyStreams]:
        """Return the legacy sources that are wanted, those that run already among them."""
        credentials = Credentials.of(self._realtime, self._config.auth, self._clock)
        wanted = legacy_upstreams(self._families, self._config) if credentials.can_sign else frozenset()
        for name in running.keys() - wanted:
            self._retire(running[name])
        return {name: running.get(name) or self._new_legacy(name, credentials) for name in sorted(wanted)}

    def _new_legacy(self, name: str, credentials: Credentials) -> LegacyStreams:
        endpoints = self._endpoints(name)
        return LegacyStreams(name, endpoints, credentials.reader, self._successor_shape, self._clock, self._chance)

    def _endpoints(self, upstream: str) -> Endpoints:
        def now() -> tuple[str, ...]:
            found = self._snapshot.value.upstreams.get(upstream)
            return tuple(map(str, found.endpoints)) if found is not None else ()

        return now

    def _legacy_shape(self, topic: str) -> Callable[[str, Any], Any]:
        return legacy_shape(self._snapshot.value.adapters.get(self._adapter(topic)))

    def _successor_shape(self, topic: str) -> Callable[[str, Any], Any]:
        return successor_shape(self._snapshot.value.adapters.get(self._adapter(topic)))

    def _adapter(self, topic: str) -> str:
        found = self.hub.find(topic)
        return (found.address.family.adapt if found is not None else None) or ""

    # ------------------------------------------------------------------ figures

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what can be read of it."""
        return (
            Gauge("ws_subscriptions", "Subscriptions by family of topics.", ("topic",), self._subscriptions, sum),
            Gauge("feed_up", "Whether the upstream connection stands.", (), self._feed_up, min),
        )

    def _subscriptions(self) -> Reading:
        found: Counter[str] = Counter({family.name: 0 for family in self._families})
        for topic in self.hub:
            found[topic.address.family.name] += topic.count
        return [((name,), float(count)) for name, count in found.items()]

    def _feed_up(self) -> Reading:
        return [((), float(self._feed.is_up))] if self._config.realtime is not None else []


def _connection(config: Config) -> tuple[object, ...]:
    """Return everything that a connection depends on."""
    realtime = config.realtime
    if realtime is None:
        return ()
    upstream = config.upstreams.get(realtime.upstream)
    endpoints = upstream.endpoints if upstream is not None else ()
    keys = config.auth.jwt.keys if config.auth.jwt is not None else ()
    return realtime.upstream, realtime.path, realtime.service_token, keys, endpoints
