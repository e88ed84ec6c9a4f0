"""Where changes are made, judged and remembered: all of the control plane that lasts longer than one call."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from redis.asyncio import Redis

from gateway.control.book import Book, Publish
from gateway.control.controller import Controller
from gateway.control.desk import Desk, Rules
from gateway.control.lease import Leadership
from gateway.control.ledger import Ledger
from gateway.control.shadow_book import ShadowBook
from gateway.control.store.port import Store, StoreError
from gateway.control.usage import Usage
from gateway.control.window import Window, counted
from gateway.control.window_share import WindowShare
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, repeat, spawn
from gateway.observability.delta import Delta
from gateway.observability.metrics import Gauge, Metrics

log = logging.getLogger(__name__)

DAY_SECONDS: Final = 86_400
TIDY_SECONDS: Final = 600.0
ADOPT_SECONDS: Final = 1.0


class Office:
    """Owns the book of events, the ledger, the window of traffic, the lease and the controller of one gateway.

    It never serves traffic and never knows a worker: rules reach them by `publish`, and their counts come by `take`.
    `name` tells this start of this gateway from all others.
    """

    def __init__(
        self,
        store: Store,
        redis: Redis | None,
        rules: Rules,
        publish: Publish,
        metrics: Metrics,
        clock: Clock,
        name: str,
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self.book = Book(store, publish, clock)
        self.ledger = Ledger(store, clock, name)
        self.shadows = ShadowBook(store, metrics)
        self._window = Window()
        self._share = WindowShare(self._window, redis, name, clock)
        self.lease = Leadership(store, clock, name)
        self.desk = Desk(self.book, store, rules, clock)
        self.controller = Controller(self.desk, self._window, clock, name=name, fence=lambda: self.lease.fence)
        self.desk.judged = self.controller.standings
        self._has_adopted = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Office: {self.book}, {self.ledger}, {self.lease}>"

    async def start(self) -> None:
        """Read the book, so that rules can be handed out with the live values. Waits at most as long as the store."""
        await self.book.start()
        await self.adopt_file()

    def lead(self) -> None:
        """Begin to judge, to write the ledger and to stand for the lease: once there is traffic to judge."""
        self._share.start()
        self.lease.start()
        self.ledger.start()
        self.shadows.start()
        spawn(self.controller.run(), name="judge rollouts", owner=self._tasks)
        spawn(repeat(self._tidy, lambda: TIDY_SECONDS), name="forget old days", owner=self._tasks)
        spawn(repeat(self._adopt, lambda: ADOPT_SECONDS), name="make events of the file's changes", owner=self._tasks)

    async def adopt_file(self) -> None:
        """Make events of what the file has changed. While the store is away that waits until it is back."""
        self._has_adopted = False
        try:
            await self.desk.adopt_file()
        except StoreError:
            log.warning("percents that the file has changed wait until the store is back")
            return
        self._has_adopted = True

    async def close(self) -> None:
        """Write what is left of the ledger, let the lease go and close the store; may be called again."""
        await cancel_all(self._tasks)
        await self._share.close()
        await self.lease.close()
        await self.ledger.close()
        await self.shadows.close()
        await self.book.close()

    def take(self, delta: Delta) -> None:
        """Take what a worker has counted."""
        now = self._clock.now()
        self._window.add(counted(delta), now)
        if delta.uses:
            day = int(now // DAY_SECONDS)
            self.ledger.add(Usage(day, *use, now, now) for use in delta.uses)
        self.shadows.add(delta.samples)

    def status(self) -> Mapping[str, Any]:
        """Return what `GET /api/status` tells of it."""
        return {
            "store": {"up": self.book.is_up, "event": self.book.standing.number},
            "ledger": {"rows_waiting": len(self.ledger)},
            "controller": {"leads": self.lease.fence is not None, "fence": self.lease.fence},
            "windows": {"shared": self._share.is_up},
        }

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what Prometheus reads of rollouts and of the store."""
        return (
            *self.controller.gauges(),
            Gauge("store_up", "Whether the store answers.", (), lambda: [((), float(self.book.is_up))]),
            Gauge("ledger_waiting", "Rows of the ledger not written yet.", (), lambda: [((), len(self.ledger))]),
            Gauge("rollout_leader", "Whether this gateway's controller acts.", (), self._leads),
        )

    def _leads(self) -> Iterator[tuple[tuple[str, ...], float]]:
        yield (), float(self.lease.fence is not None)

    async def _adopt(self) -> None:
        if not self._has_adopted and self.book.is_up:
            await self.adopt_file()

    async def _tidy(self) -> None:
        """Only who leads, so that one machine with a wrong clock cannot empty the ledger while it follows."""
        if self.lease.fence is not None:
            oldest = self._clock.now() - self._rules.config.ledger.keep
            with suppress(StoreError):
                await self._store.forget(int(oldest // DAY_SECONDS))
