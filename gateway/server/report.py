"""What one data plane says about itself."""

from collections.abc import Iterable
from dataclasses import replace
from time import monotonic
from typing import Final

from gateway.downstream.listener import Listener
from gateway.observability.delta import Unreported
from gateway.observability.metrics import Gauge, Metrics
from gateway.observability.sample import read
from gateway.observability.use import Use
from gateway.proxy.shared import Shared
from gateway.server.message import EndpointFigures, Figures, Report, UpstreamFigures
from gateway.server.realtime import Realtime
from gateway.upstream.cluster import Cluster
from gateway.upstream.fleet import Fleet
from gateway.upstream.pool import Pool

GATHER_SECONDS: Final = 2.0
"""How long rows for the ledger gather at least: the longer, the fewer they are. How many go at once, the tally says."""


class Reporter:
    """Owns what has been reported. It only reads: no request is dearer for it."""

    def __init__(
        self,
        metrics: Metrics,
        gauges: Iterable[Gauge],
        listener: Listener,
        shared: Shared,
        fleet: Fleet,
        realtime: Realtime,
    ) -> None:
        self._unreported = Unreported(metrics)
        self._gauges = gauges
        self._listener = listener
        self._shared = shared
        self._fleet = fleet
        self._realtime = realtime
        self._tally = shared.tally
        self._taken_at = 0.0

    def report(self, *, is_last: bool = False) -> Report:
        """Return what is new since the last report, and what is so now."""
        upstreams = tuple(map(_upstream, self._fleet))
        uses = self._uses() if not is_last else self._tally.take(is_last=True)
        figures = Figures(self._listener.connections, self._shared.open, upstreams, self._realtime.figures())
        delta = replace(self._unreported.take(), uses=uses, samples=self._shared.shadows.take())
        return Report(delta, read(self._gauges), figures)

    def _uses(self) -> tuple[Use, ...]:
        now = monotonic()
        if now - self._taken_at < GATHER_SECONDS:
            return ()
        self._taken_at = now
        return self._tally.take()


def _upstream(cluster: Cluster) -> UpstreamFigures:
    return UpstreamFigures(cluster.name, tuple(map(_endpoint, cluster.pools)), cluster.active, cluster.queued)


def _endpoint(pool: Pool) -> EndpointFigures:
    replica = pool.replica
    return EndpointFigures(replica.address.text, replica.is_healthy, replica.is_ejected, pool.busy, len(pool.idle))
