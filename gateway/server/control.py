"""The control plane: the rules that were last handed out, the crew that serves by them, and the admin listener."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.admin.app import AdminApp
from gateway.admin.consumers import ConsumerApi
from gateway.admin.endings import EndingApi
from gateway.admin.explain import ExplainApi
from gateway.admin.listener import AdminListener
from gateway.admin.revocations import RevocationApi
from gateway.admin.rollouts import RolloutApi
from gateway.admin.stream import StreamApi
from gateway.callers.redis import client
from gateway.config.live import Live
from gateway.config.schema import AdminToken, Config
from gateway.config.snapshot import Snapshot
from gateway.control.audience import Audience
from gateway.control.book import Publish
from gateway.control.desk import Rules
from gateway.control.ending import Ending
from gateway.control.office import Office
from gateway.control.standing import Standing
from gateway.control.store.port import Store
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.observability.access_log import AccessLog
from gateway.observability.delta import Delta, add
from gateway.observability.metrics import Exposition, Gauge, Metrics
from gateway.observability.sample import merged
from gateway.server.alone import Alone
from gateway.server.configuration import Loaded, needs_restart
from gateway.server.crew import Crew, State, Take
from gateway.server.gauge import crew_gauges, rules_gauges
from gateway.server.status import is_fit, status, warnings
from gateway.server.supervisor import Supervisor

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running gateway listens, as URLs."""

    public: str
    admin: str


class Control:
    """Owns everything that exists only while the gateway runs; it never serves a public request.

    `metrics` are totals: over all workers, and over those that have died. `access_log` is for serving in this process;
    worker processes have their own.
    """

    def __init__(self, loaded: Loaded, store: Store, access_log: AccessLog, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._started_with = loaded.config
        self._loaded = loaded
        self._snapshot: Cell[Snapshot] = Cell(loaded.snapshot)
        self.metrics = Metrics()
        self.crew = _crew(loaded, self._take, access_log, clock)
        self._own = (*rules_gauges(self._snapshot, clock), *crew_gauges(self.crew), *self.crew.keys.gauges())
        self.office = _office(loaded.config, store, self, self._publish, self.metrics, clock)
        self._own = (*self._own, *self.office.gauges())
        self._exposition = Exposition(self.metrics, _Gauges(self.crew, self._own))
        self._has_started = False
        apis = (
            RevocationApi(self.crew.revocations, clock),
            RolloutApi(self.office.desk, self.office.shadows),
            ExplainApi(self._snapshot, clock),
            ConsumerApi(Audience(store, self, clock)),
            EndingApi(Ending(self.office.book, self, clock)),
            StreamApi(self.office.desk),
        )
        self.admin = AdminListener(AdminApp(self, [api.routes() for api in apis]).build())

    def __repr__(self) -> str:
        return f"<Control {self.crew}, {self.admin}>"

    @property
    def state(self) -> str:
        """What it is about: `starting`, `ready` once every worker has served, `unready` while none does, `draining`."""
        if self.crew.is_draining:
            return "draining"
        if not self._has_started:
            return "starting"
        return "ready" if any(member.state is State.SERVING for member in self.crew.members()) else "unready"

    @property
    def config(self) -> Config:
        """What the file says."""
        return self._loaded.config

    @property
    def snapshot(self) -> Snapshot:
        """The rules that were last handed out, with the live values."""
        return self._snapshot.value

    def is_fit(self, upstream: str) -> bool:
        """Return whether an upstream has an endpoint that every worker finds healthy, or nobody knows of it yet."""
        return is_fit(upstream, self.crew.members())

    def admin_tokens(self) -> tuple[AdminToken, ...]:
        """Return the admin tokens that are good now."""
        return self._loaded.config.server.admin.tokens

    async def metrics_text(self) -> bytes:
        """Return the page for Prometheus, with what the workers have counted up to now."""
        await self.crew.refresh()
        return self._exposition.text()

    async def status(self) -> Mapping[str, Any]:
        """Return what `GET /api/status` answers."""
        await self.crew.refresh()
        uptime = self._clock.monotonic() - self._started
        document = status(self._loaded, self.state, self.crew.members(), uptime)
        return {
            **document,
            "revocations": self.crew.revocations.status(),
            "control": self.office.status(),
            "warnings": self._warnings(),
        }

    async def start(self) -> None:
        """Open the admin listener, whose probes say how far it is, then have the crew serve; raises OSError."""
        listen = self._loaded.config.server.admin.listen
        await self.admin.start(listen.host, listen.port)
        await self.office.start()
        await self.crew.start(self._loaded)
        self._has_started = True
        # What other gateways have changed while the workers were starting.
        await self.crew.turn(self._snapshot.value.live)
        self.office.lead()

    async def apply(self, loaded: Loaded) -> list[str]:
        """Make a new configuration the running one; return what those workers say who could not apply it."""
        for key in needs_restart(self._started_with, loaded.config):
            log.warning("%s has changed: this needs a restart", key)
        self._adopt(loaded, self._snapshot.value.live)
        for warning in self._warnings():
            log.warning("%s", warning)
        # First, so that whoever sees the new revision sees the percents that came with it.
        await self.office.adopt_file()
        return await self.crew.apply(self._loaded)

    async def close(self) -> None:
        """Close both listeners; may be called again."""
        await self.crew.close()
        await self.admin.close()
        await self.office.close()

    def addresses(self) -> Addresses:
        """Return where it listens."""
        server = self._started_with.server
        scheme = "https" if server.tls is not None else "http"
        return Addresses(
            public=f"{scheme}://{_host(server.listen.host)}:{self.crew.port}",
            admin=f"http://{_host(server.admin.listen.host)}:{self.admin.port}",
        )

    def _warnings(self) -> list[str]:
        """Return what is risky by the live values, and not allowed by the file."""
        return list(warnings(self._loaded.config, self._snapshot.value, self._clock.now()))

    def _take(self, delta: Delta) -> None:
        add(delta, self.metrics)
        self.office.take(delta)

    async def _publish(self, standing: Standing) -> None:
        """Make live values the running ones, in every worker."""
        self._adopt(self._loaded, standing.live())
        if self._has_started:
            for complaint in await self.crew.turn(self._snapshot.value.live):
                log.error("live values are not everywhere applied: %s", complaint)

    def _adopt(self, loaded: Loaded, live: Live) -> None:
        self._loaded = replace(loaded, snapshot=loaded.snapshot.turned(live))
        self._snapshot.value = self._loaded.snapshot


class _Gauges:
    """The gauges of this moment: the workers' as one, and our own."""

    def __init__(self, crew: Crew, own: tuple[Gauge, ...]) -> None:
        self._crew = crew
        self._own = own

    def __iter__(self) -> Iterator[Gauge]:
        reports = [member.report for member in self._crew.members() if member.report is not None]
        yield from merged(sample for report in reports for sample in report.samples)
        yield from self._own


def _crew(loaded: Loaded, take: Take, access_log: AccessLog, clock: Clock) -> Crew:
    """One worker serves in this process; several are processes of their own."""
    if loaded.config.server.workers > 1:
        return Supervisor(loaded, take, clock)
    return Alone(loaded, take, access_log, clock)


def _office(config: Config, store: Store, rules: Rules, publish: Publish, metrics: Metrics, clock: Clock) -> Office:
    """Settings that need a restart to change are read here, once."""
    redis = client(config.redis) if config.redis is not None else None
    name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    return Office(store, redis, rules, publish, metrics, clock, name)


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
