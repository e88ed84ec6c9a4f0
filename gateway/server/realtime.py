"""The realtime part of one data plane: the hub with what it hears, and the doors that its clients come in by."""

from collections.abc import Mapping
from random import Random
from typing import Any

from gateway.config.schema import Config
from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.downstream.connection import ClientConnection
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Gauge, Metrics
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory
from gateway.policy.decision import NeedKeys, Refuse
from gateway.realtime import info
from gateway.realtime.authority import Authority, Fulfiller
from gateway.realtime.bridge import Bridge
from gateway.realtime.door import Door
from gateway.realtime.relief import Relief
from gateway.realtime.streams import Streams
from gateway.server.message import RealtimeFigures
from gateway.wire.request import Request


class Realtime:
    """Owns the bridge, the door for sockets and the streams.

    They are built with the data plane, changed with each reload and closed with it.
    """

    def __init__(
        self,
        config: Config,
        snapshot: Cell[Snapshot],
        memory: Memory,
        tokens: TokenCache,
        fulfiller: Fulfiller,
        metrics: Metrics,
        access_log: AccessLog,
        clock: Clock,
    ) -> None:
        chance = Random()
        self._snapshot = snapshot
        self._clock = clock
        self._tokens = tokens
        self._started = clock.monotonic()
        self.bridge = Bridge(config, snapshot, metrics, clock, chance)
        authority = Authority(snapshot, memory, fulfiller, clock)
        self.streams = Streams(self.bridge.hub, config.realtime, clock)
        self.relief = Relief(self.bridge.hub, clock)
        self.door = Door(self.bridge.hub, snapshot, authority, metrics, access_log, clock, chance)

    def __repr__(self) -> str:
        return f"<Realtime {self.bridge}, {self.door}>"

    def start(self) -> None:
        """Connect to the upstreams and keep time."""
        self.bridge.start()
        self.door.start()
        self.streams.start()

    def apply(self, config: Config) -> None:
        """Go by another configuration, whose snapshot is the running one already; no socket is closed for it."""
        self.bridge.apply(config)
        self.door.apply(self._snapshot.value)
        self.streams.apply(config.realtime)

    def turn(self) -> None:
        """Live values have changed: topics may come from their other side from now on."""
        self.bridge.hub.arrange()

    def dismiss(self) -> None:
        """Send everybody away, to come back to a process that stays."""
        self.door.dismiss()
        self.streams.drain()

    def revoke(self) -> None:
        """Close the sockets and streams of tokens that were revoked."""
        self.door.revoke(self._tokens.revoked)
        self.streams.revoke(self._tokens.revoked)

    async def close(self) -> None:
        """Cut every socket and disconnect; may be called again."""
        self.door.close()
        self.streams.close()
        await self.bridge.close()

    # ------------------------------------------------------------------ what the public paths ask

    def enter(
        self, client: ClientConnection, request: Request, request_id: str, memory: Memory
    ) -> Refuse | NeedKeys | None:
        """Open a socket and return None; or say why not, or what must be known first."""
        return self.door.enter(client, request, request_id, memory)

    def info(self) -> Mapping[str, Any]:
        """Describe the sockets of this process."""
        realtime = self._snapshot.value.realtime
        return info.info(
            self.bridge.hub,
            self.door.limits,
            self.door.connections,
            self._clock.monotonic() - self._started,
            takes_query_token=realtime is not None and realtime.query_token,
        )

    def quotes(self) -> Mapping[str, Any]:
        """Count the subscriptions to quotes."""
        return info.quotes(self.bridge.hub)

    # ------------------------------------------------------------------ figures

    def figures(self) -> RealtimeFigures:
        """Return how it stands."""
        hub = self.bridge.hub
        return RealtimeFigures(self.door.connections, sum(hub.topics().values()), tuple(hub.feeds()))

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what is read of it when Prometheus scrapes."""
        return (*self.bridge.gauges(), *self.door.gauges())
