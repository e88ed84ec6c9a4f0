"""The control plane: the rules that were last handed out, the crew that serves by them, and the admin listener."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.admin.app import AdminApp
from gateway.admin.listener import AdminListener
from gateway.admin.revocations import RevocationApi
from gateway.config.schema import AdminToken
from gateway.config.snapshot import Snapshot
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
from gateway.server.status import status
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

    def __init__(self, loaded: Loaded, access_log: AccessLog, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._started_with = loaded.config
        self._loaded = loaded
        self._snapshot: Cell[Snapshot] = Cell(loaded.snapshot)
        self.metrics = Metrics()
        self.crew = _crew(loaded, self._take, access_log, clock)
        self._own = (*rules_gauges(self._snapshot, clock), *crew_gauges(self.crew), *self.crew.keys.gauges())
        self._exposition = Exposition(self.metrics, _Gauges(self.crew, self._own))
        self._has_started = False
        self.admin = AdminListener(AdminApp(self, RevocationApi(self.crew.revocations, clock)).build())

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
        return {**document, "revocations": self.crew.revocations.status()}

    async def start(self) -> None:
        """Open the admin listener, whose probes say how far it is, then have the crew serve; raises OSError."""
        listen = self._loaded.config.server.admin.listen
        await self.admin.start(listen.host, listen.port)
        await self.crew.start(self._loaded)
        self._has_started = True

    async def apply(self, loaded: Loaded) -> list[str]:
        """Make a new configuration the running one; return what those workers say who could not apply it."""
        for key in needs_restart(self._started_with, loaded.config):
            log.warning("%s has changed: this needs a restart", key)
        self._loaded = loaded
        self._snapshot.value = loaded.snapshot
        return await self.crew.apply(loaded)

    async def close(self) -> None:
        """Close both listeners; may be called again."""
        await self.crew.close()
        await self.admin.close()

    def addresses(self) -> Addresses:
        """Return where it listens."""
        server = self._started_with.server
        scheme = "https" if server.tls is not None else "http"
        return Addresses(
            public=f"{scheme}://{_host(server.listen.host)}:{self.crew.port}",
            admin=f"http://{_host(server.admin.listen.host)}:{self.admin.port}",
        )

    def _take(self, delta: Delta) -> None:
        add(delta, self.metrics)


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


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
