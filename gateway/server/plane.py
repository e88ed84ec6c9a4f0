"""Everything that runs: both listeners, the upstreams, and the configuration that rules them."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.admin.app import AdminApp
from gateway.admin.listener import AdminListener
from gateway.admin.revocations import RevocationApi
from gateway.callers.revocation import Revocations
from gateway.config.schema import AdminToken
from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.downstream.handoff import Handoff
from gateway.downstream.listener import Listener
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Exposition, Metrics
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory
from gateway.proxy.local import LocalPaths
from gateway.proxy.service import Proxy
from gateway.proxy.shared import Shared
from gateway.server.configuration import Loaded, needs_restart
from gateway.server.gauge import gauges
from gateway.server.status import status
from gateway.upstream.fleet import Fleet

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running gateway listens, as URLs."""

    public: str
    admin: str


class Plane:
    """Owns everything that exists only while the gateway runs: built whole from the first configuration."""

    def __init__(self, loaded: Loaded, metrics: Metrics, access_log: AccessLog, clock: Clock) -> None:
        self._clock = clock
        self._started_with = loaded.config
        self._loaded = loaded
        self._snapshot: Cell[Snapshot] = Cell(loaded.snapshot)
        self._fleet = Fleet(clock)
        tokens = TokenCache()
        self._revocations = Revocations(tokens, clock, loaded.config)
        self._shared = Shared(self._snapshot, Memory.fresh(tokens), self._fleet, metrics, access_log, clock)
        self._handoff = Handoff(LocalPaths(self._snapshot, clock, self))
        read = (*gauges(self._snapshot, self._fleet, clock), *self._revocations.gauges())
        self._exposition = Exposition(metrics, read)
        self._started = clock.monotonic()
        self.listener = Listener(Proxy(self._shared, self._handoff, clock), loaded.config.server.limits)
        self.admin = AdminListener(AdminApp(self, RevocationApi(self._revocations, clock)).build())

    def __repr__(self) -> str:
        return f"<{self.listener}, {self._fleet}>"

    @property
    def is_ready(self) -> bool:
        """Whether traffic should be sent here."""
        return not self.is_draining

    @property
    def is_draining(self) -> bool:
        """Whether it only finishes what is open."""
        return self.listener.is_draining

    def admin_tokens(self) -> tuple[AdminToken, ...]:
        """Return the admin tokens that are good now."""
        return self._loaded.config.server.admin.tokens

    def metrics_text(self) -> bytes:
        """Return the page for Prometheus."""
        return self._exposition.text()

    def status(self) -> Mapping[str, Any]:
        """Return what `GET /api/status` answers."""
        uptime = self._clock.monotonic() - self._started
        document = status(self._loaded, self._fleet, self.listener, self._shared.open, uptime)
        return {**document, "revocations": self._revocations.status()}

    async def start(self) -> None:
        """Start the upstreams, then listen."""
        server = self._loaded.config.server
        if server.workers > 1:
            log.warning("server.workers is %d; this version serves with one process", server.workers)
        self._fleet.apply(self._loaded.config.upstreams)
        self._handoff.start()
        await self._revocations.start()
        await self.listener.start(server.listen.host, server.listen.port, server.tls, reuse_port=True)
        await self.admin.start(server.admin.listen.host, server.admin.listen.port)

    def apply(self, loaded: Loaded) -> None:
        """Make a new configuration the running one, between two requests: nothing here waits."""
        for key in needs_restart(self._started_with, loaded.config):
            log.warning("%s has changed: this needs a restart", key)
        self._loaded = loaded
        self._fleet.apply(loaded.config.upstreams)
        self._revocations.apply(loaded.config)
        self._shared.apply(loaded.snapshot)
        self.listener.apply(loaded.config.server.limits)

    async def drain(self) -> None:
        """Refuse new connections and wait for the open requests."""
        await self.listener.drain()
        try:
            async with asyncio.timeout(self._loaded.config.server.drain):
                await self.listener.empty()
        except TimeoutError:
            log.warning("%d requests are cut after the drain time", self._shared.open)

    async def close(self) -> None:
        """Close the listeners, then the upstreams."""
        await self.listener.close()
        await self._handoff.close()
        await self.admin.close()
        await self._revocations.close()
        await self._fleet.close()

    def addresses(self) -> Addresses:
        """Return where it listens."""
        server = self._started_with.server
        scheme = "https" if server.tls is not None else "http"
        return Addresses(
            public=f"{scheme}://{_host(server.listen.host)}:{self.listener.port}",
            admin=f"http://{_host(server.admin.listen.host)}:{self.admin.port}",
        )


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
