"""What is read, not counted, when Prometheus scrapes."""

import math
from collections import Counter
from typing import Final

from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.downstream.listener import Listener
from gateway.observability.metrics import Gauge, Reading
from gateway.server.crew import Crew, State
from gateway.upstream.fleet import Fleet

SECONDS_A_DAY: Final = 86_400


def gauges(fleet: Fleet, listener: Listener) -> tuple[Gauge, ...]:
    """Return the gauges of one data plane; each reads the live objects at the moment of the report.

    Connections of several workers add up. An endpoint counts as healthy when every worker finds it so: each checks and
    ejects for itself, and the one that can't reach it is the one to know of.
    """
    return (
        Gauge(
            "client_connections",
            "Connections of clients.",
            (),
            lambda: [((), listener.connections)],
            sum,
        ),
        Gauge(
            "upstream_connections",
            "Connections to an upstream that are active or idle, and requests queued for one.",
            ("upstream", "state"),
            lambda: _connections(fleet),
            sum,
        ),
        Gauge(
            "upstream_healthy",
            "Whether an endpoint passes its checks and is not ejected.",
            ("upstream", "endpoint"),
            lambda: _healthy(fleet),
            min,
        ),
    )


def rules_gauges(snapshot: Cell[Snapshot], clock: Clock) -> tuple[Gauge, ...]:
    """Return the gauges of the rules that were last handed to the workers."""
    return (
        Gauge("config_revision", "Revision of the running configuration.", (), lambda: [((), snapshot.value.revision)]),
        Gauge(
            "rollout_percent",
            "Share of stickiness keys that the successor serves.",
            ("migration",),
            lambda: [((name,), found.rollout.percent) for name, found in snapshot.value.migrations.items()],
        ),
        Gauge(
            "migration_days_left",
            "Days until a phase begins, 0 once it has.",
            ("migration", "phase"),
            lambda: _days_left(snapshot.value, clock.now()),
        ),
    )


def crew_gauges(crew: Crew) -> tuple[Gauge, ...]:
    """Return the gauges of the workers as such."""
    return (Gauge("workers", "Workers by what they are about.", ("state",), lambda: _states(crew)),)


def _states(crew: Crew) -> Reading:
    found = Counter(member.state for member in crew.members())
    return [*(((state.value,), float(found[state])) for state in State), (("reserve",), float(crew.in_reserve))]


def _days_left(snapshot: Snapshot, now: float) -> Reading:
    for name, migration in snapshot.migrations.items():
        calendar = migration.deprecation
        if calendar is None:
            continue
        dates = {"deprecated": calendar.deprecated, "gone": calendar.gone, "removed": calendar.removed}
        for phase, moment in dates.items():
            if math.isfinite(moment):
                yield (name, phase), max(0.0, (moment - now) / SECONDS_A_DAY)


def _connections(fleet: Fleet) -> Reading:
    for cluster in fleet:
        yield (cluster.name, "active"), cluster.active
        yield (cluster.name, "idle"), cluster.idle
        yield (cluster.name, "queued"), cluster.queued


def _healthy(fleet: Fleet) -> Reading:
    for cluster in fleet:
        for pool in cluster.pools:
            yield (cluster.name, pool.replica.address.text), float(pool.replica.is_healthy)
