"""One endpoint of an upstream: its address and whether it is fit to be asked."""

import logging
from collections.abc import Callable
from enum import Enum

from gateway.config.schema import Ejection
from gateway.core.clock import Clock
from gateway.upstream.address import Address

log = logging.getLogger(__name__)


class Health(Enum):
    """What the active checks say. Without checks a replica stays HEALTHY."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Replica:
    """Owns the health of one endpoint; it never opens a connection.

    `errors` counts failed exchanges in a row. `on_change` is called when the replica is no longer or again fit, except
    when an ejection runs out, which happens by itself.
    """

    __slots__ = ("_clock", "_ejected_until", "_ejection", "_health", "_on_change", "_streak", "address", "errors")

    def __init__(self, address: Address, ejection: Ejection, clock: Clock, on_change: Callable[[], None]) -> None:
        self.address = address
        self.errors = 0
        self._ejection = ejection
        self._clock = clock
        self._on_change = on_change
        self._health = Health.HEALTHY
        self._streak = 0
        self._ejected_until = 0.0

    def __repr__(self) -> str:
        return f"<Replica {self.address.text}: {self._health.value}, {self.errors} errors in a row>"

    @property
    def is_healthy(self) -> bool:
        """Whether it passes its checks and is not ejected."""
        return self._health is Health.HEALTHY and not self.is_ejected

    @property
    def is_ejected(self) -> bool:
        """Whether too many exchanges in a row have failed a short while ago."""
        return self._clock.monotonic() < self._ejected_until

    def note_check(self, passed: bool, *, healthy: int, unhealthy: int) -> None:
        """Count one health check: `healthy` in a row bring the replica back, `unhealthy` failed ones take it out."""
        agrees = passed is (self._health is Health.HEALTHY)
        self._streak = 0 if agrees else self._streak + 1
        if self._streak >= (healthy if passed else unhealthy):
            self._become(Health.HEALTHY if passed else Health.UNHEALTHY)

    def note_success(self) -> None:
        """Count an exchange that brought an answer."""
        self.errors = 0

    def note_error(self) -> None:
        """Count an exchange that brought no answer."""
        self.errors += 1
        if self.errors >= self._ejection.consecutive_errors:
            self.errors = 0
            self._ejected_until = self._clock.monotonic() + self._ejection.duration
            log.warning("%s is left alone for %g s after errors in a row", self.address.text, self._ejection.duration)
            self._on_change()

    def _become(self, health: Health) -> None:
        self._streak = 0
        self._health = health
        log.warning("%s is %s", self.address.text, health.value)
        self._on_change()
