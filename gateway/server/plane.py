"""The data plane of one process: the public listener, the upstreams, and the rules that all requests are held to."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from gateway.callers.counts import counts
from gateway.callers.inquiry import Inquiry
from gateway.callers.key_news import Want
from gateway.callers.keyring import Keyring
from gateway.callers.revocation import Revocations
from gateway.config.live import Live
from gateway.config.retirement import retirements
from gateway.config.schema import Address
from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.downstream.handoff import Handoff
from gateway.downstream.listener import Listener
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Metrics
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory
from gateway.policy.route import Places
from gateway.proxy.from_hub import FromHub
from gateway.proxy.local import LocalPaths
from gateway.proxy.service import Proxy
from gateway.proxy.shared import Shared
from gateway.proxy.tally import Tally
from gateway.server.configuration import Loaded
from gateway.server.gauge import gauges
from gateway.server.message import Report
from gateway.server.realtime import Realtime
from gateway.server.report import Reporter
from gateway.upstream.fleet import Fleet

log = logging.getLogger(__name__)

TIDY_SECONDS: Final = 0.5
"""How often the access log is written out, and the certificate's files and the upstreams' end are looked at."""


class Plane:
    """Owns everything that serves traffic, and what that counts. It never reads the configuration's file.

    Built whole from the first configuration; there is one in each worker. `want` asks who fetches published keys, and
    `keys` is told them.
    """

    def __init__(self, loaded: Loaded, access_log: AccessLog, clock: Clock, want: Callable[[Want], None]) -> None:
        self._loaded = loaded
        self._ends = retirements(loaded.config)
        self._access_log = access_log
        self._clock = clock
        self._snapshot: Cell[Snapshot] = Cell(loaded.snapshot)
        self._fleet = Fleet(clock)
        self._tasks: set[asyncio.Task[Any]] = set()
        metrics, tokens = Metrics(), TokenCache()
        self.revocations = Revocations(tokens, clock, loaded.config, lambda _news: self.realtime.revoke())
        self._counts = counts(loaded.config, metrics, clock)
        memory = Memory(tokens, self._counts.quotas, Places())
        ledger = loaded.config.ledger
        tally = Tally(loaded.snapshot, ledger.callers, (ledger.secret or "").encode())
        self._shared = Shared(self._snapshot, memory, self._fleet, metrics, access_log, clock, tally)
        self.keys = Keyring(tokens, loaded.snapshot.auth, want, clock)
        inquiry = Inquiry(keys=self.keys, counts=self._counts.source)
        access_log.share = loaded.config.server.access_log.share
        self.realtime = Realtime(loaded.config, self._snapshot, memory, tokens, inquiry, metrics, access_log, clock)
        self._handoff = Handoff(LocalPaths(self._snapshot, clock, self, self.realtime))
        from_hub = FromHub(self._shared, self.realtime.streams, self.realtime.relief)
        proxy = Proxy(self._shared, self._handoff, self.realtime, from_hub, clock, inquiry)
        self.listener = Listener(proxy, loaded.config.server.limits, loaded.snapshot.auth.dropped)
        read = (
            *gauges(self._fleet, self.listener),
            *self.revocations.gauges(),
            *self._counts.gauges(),
            *self.realtime.gauges(),
        )
        self._reporter = Reporter(metrics, read, self.listener, self._shared, self._fleet, self.realtime)

    def __repr__(self) -> str:
        return f"<{self.listener}, {self._fleet}>"

    @property
    def is_draining(self) -> bool:
        """Whether it only finishes what is open."""
        return self.listener.is_draining

    def report(self, *, is_last: bool = False) -> Report:
        """Return what has been counted since the last report, and how it stands."""
        return self._reporter.report(is_last=is_last)

    async def start(self, listen: Address) -> None:
        """Start the upstreams, then listen; raises OSError for a taken address, ssl.SSLError for a bad certificate."""
        self._fleet.apply(self._loaded.config.upstreams, self._useless())
        self._handoff.start()
        await self.revocations.start()
        await self._counts.start()
        self.realtime.start()
        await self.listener.start(listen.host, listen.port, self._loaded.config.server.tls, reuse_port=True)
        spawn(self._tidy(), name="write the log, look at certificate and calendar", owner=self._tasks)

    def apply(self, loaded: Loaded) -> None:
        """Make a new configuration the running one, between two requests: nothing here waits."""
        self._loaded = loaded
        self._ends = retirements(loaded.config)
        self._fleet.apply(loaded.config.upstreams, self._useless())
        self.revocations.apply(loaded.config)
        self.keys.apply(loaded.snapshot.auth)
        self._counts.apply(loaded.config)
        self._shared.apply(loaded.snapshot)
        self.realtime.apply(loaded.config)
        self._shared.tally.most = loaded.config.ledger.callers
        self._shared.access_log.share = loaded.config.server.access_log.share
        self.listener.apply(loaded.config.server.limits, loaded.snapshot.auth.dropped)

    def turn(self, live: Live) -> None:
        """Replace the live values, between two requests."""
        self._loaded = replace(self._loaded, snapshot=self._loaded.snapshot.turned(live))
        self._shared.apply(self._loaded.snapshot)
        self.realtime.turn()

    @property
    def snapshot(self) -> Snapshot:
        """The rules that requests are held to now."""
        return self._snapshot.value

    async def drain(self) -> None:
        """Refuse new connections and wait for the open requests."""
        await self.listener.drain()
        self.realtime.dismiss()
        try:
            async with asyncio.timeout(self._loaded.config.server.drain):
                await self.listener.empty()
                await self.realtime.door.empty()
        except TimeoutError:
            log.warning("%d requests are cut after the drain time", self._shared.open)

    async def close(self) -> None:
        """Close the listener, then the upstreams; may be called again."""
        await cancel_all(self._tasks)
        await self.listener.close()
        await self._handoff.close()
        await self.revocations.close()
        self.keys.close()
        await self._counts.close()
        await self.realtime.close()
        await self._fleet.close()
        self._access_log.flush()

    def _useless(self) -> frozenset[str]:
        """Return the upstreams that have nothing left to do by now."""
        config, now = self._loaded.config, self._clock.now()
        return frozenset(name for name, end in self._ends.items() if end <= now and name in config.upstreams)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            useless = self._useless()
            if useless != self._fleet.resting:
                self._fleet.apply(self._loaded.config.upstreams, useless)
            self._access_log.flush()
            await self.listener.reread_certificate()
