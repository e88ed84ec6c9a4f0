"""Where requests are counted: in this process, or together with others in Redis. Chosen once, by the configuration."""

from collections.abc import Callable
from typing import Protocol

from gateway.callers.inquiry import Nobody, Source
from gateway.callers.shared_quota.counter import Mode, SharedQuotas
from gateway.callers.shared_quota.fulfil import QuotaFulfiller
from gateway.config.schema import Config
from gateway.core.clock import Clock
from gateway.observability.metrics import Gauge, Metrics
from gateway.policy.decision import NeedCount
from gateway.policy.quota import Counting, QuotaTable


class Counts(Protocol):
    """Owns the counts of all quotas, and whatever they need to be kept."""

    @property
    def quotas(self) -> Counting:
        """What decisions count with."""
        ...

    @property
    def source(self) -> Source[NeedCount]:
        """Who is asked when that has to ask."""
        ...

    async def start(self) -> None:
        """Get ready to count."""

    def apply(self, config: Config) -> None:
        """Forget the quotas that a new configuration has no more."""

    async def close(self) -> None:
        """End; may be called again, and without a start."""

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what is read of them when Prometheus scrapes."""
        ...


class OwnCounts:
    """Counts in this process alone. Never asks anybody."""

    def __init__(self, metrics: Metrics) -> None:
        self.quotas = QuotaTable(shadowed=metrics.quota_shadowed)
        self.source = Nobody()

    def __repr__(self) -> str:
        return f"<OwnCounts {self.quotas!r}>"

    async def start(self) -> None:
        """Nothing to do."""

    def apply(self, config: Config) -> None:
        """Forget the quotas that are gone."""
        self.quotas.keep(config.quotas)

    async def close(self) -> None:
        """Nothing to do."""

    def gauges(self) -> tuple[Gauge, ...]:
        """Return how many keys are remembered."""
        return (_keys(lambda: len(self.quotas)),)


class SharedCounts:
    """Counts in Redis, and by share while it is away."""

    def __init__(self, quotas: SharedQuotas) -> None:
        self.quotas = quotas
        self.source = QuotaFulfiller(quotas)

    def __repr__(self) -> str:
        return f"<SharedCounts {self.quotas!r}>"

    async def start(self) -> None:
        """Connect, or begin by share."""
        await self.quotas.start()

    def apply(self, config: Config) -> None:
        """Forget the quotas that are gone."""
        self.quotas.keep(config.quotas)

    async def close(self) -> None:
        """Leave Redis."""
        await self.quotas.close()

    def gauges(self) -> tuple[Gauge, ...]:
        """Return whether Redis counts, and what each process grants when it does not."""
        quotas = self.quotas
        return (
            _keys(lambda: len(quotas)),
            Gauge(
                "redis_up",
                "Whether quotas are counted in Redis: 0 while each process limits by its share.",
                (),
                lambda: [((), float(quotas.mode in {Mode.SETTLING, Mode.SHARED}))],
                min,
            ),
            Gauge(
                "quota_share",
                "The part of every quota that one process grants while Redis is away.",
                (),
                lambda: [((), quotas.share)],
                max,
            ),
        )


def counts(config: Config, metrics: Metrics, clock: Clock) -> Counts:
    """Return where this configuration has requests counted. Called on the running loop."""
    if config.redis is None:
        return OwnCounts(metrics)
    return SharedCounts(SharedQuotas(config.redis, config.server.workers, metrics, clock))


def _keys(read: Callable[[], int]) -> Gauge:
    return Gauge("quota_keys", "Keys of all quotas that are remembered.", (), lambda: [((), read())], sum)
