"""One upstream: its endpoints, its connections and its health checks."""

import asyncio
import logging
import random
from collections import deque
from time import monotonic
from typing import Any, Final, Protocol

from gateway.config.schema import Upstream
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.upstream.address import Address
from gateway.upstream.connection import Connection
from gateway.upstream.fault import UpstreamError, UpstreamFault
from gateway.upstream.health import watch
from gateway.upstream.pool import Pool
from gateway.upstream.replica import Replica
from gateway.upstream.retry import RetryBudget
from gateway.wire.line import LineMemo

log = logging.getLogger(__name__)

QUEUE_LENGTH: Final = 1024
"""How many requests may wait for a connection; further ones are told at once that there is none."""
SWEEP_SECONDS: Final = 0.25
"""How often deadlines are looked at: no time-out is kept more precisely than this."""


class Waiter(Protocol):
    """Who needs a connection. It is called back once, and never from inside `wait`."""

    def on_connection(self, connection: Connection) -> None:
        """Here it is."""

    def on_unavailable(self, error: UpstreamError) -> None:
        """There is none to be had."""


class Cluster:
    """Owns the connections to one upstream, so that another one that hangs can never starve it.

    It never decides whether to ask, and never changes a request. At most `max_connections` are open; who finds none
    waits in order of arrival, at most as long as a connection may take. `start` needs a running loop. A retired cluster
    takes no new requests and closes itself when the last one has ended.
    """

    def __init__(self, name: str, settings: Upstream, clock: Clock) -> None:
        self.name = name
        self.settings = settings
        memo = LineMemo()
        replicas = [Replica(Address.parse(text), settings.ejection, clock) for text in settings.endpoints]
        self.pools = tuple(Pool(replica, memo, settings.response_timeout, self._serve_next) for replica in replicas)
        self._only = self.pools[0] if len(self.pools) == 1 else None
        self._waiting: deque[tuple[Waiter, float]] = deque()
        self._budget = RetryBudget(settings.retries.budget)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._quiet = asyncio.Event()
        self._is_retired = False
        self._dialing = 0

    def __repr__(self) -> str:
        return f"<Cluster {self.name}: {list(self.pools)}, {self.queued} queued>"

    @property
    def active(self) -> int:
        """How many exchanges are under way."""
        return sum(pool.busy for pool in self.pools)

    @property
    def idle(self) -> int:
        """How many connections wait for a request."""
        return sum(len(pool.idle) for pool in self.pools)

    @property
    def queued(self) -> int:
        """How many requests wait for a connection."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin the health checks and the sweeping of deadlines."""
        if self.settings.health is not None:
            for pool in self.pools:
                name = f"health of {self.name} {pool.replica.address.text}"
                spawn(watch(pool.replica, self.settings.health), name=name, owner=self._tasks)
        self._sweep()

    def take(self) -> Connection | None:
        """Return an open idle connection at once, or None."""
        self._budget.note_request()
        pool = self._only if self._only is not None else self._choose()
        return pool.take()

    def wait(self, waiter: Waiter, *, fresh: bool = False) -> None:
        """Call back with a connection, or with the reason why there is none; `fresh` never gives a used one."""
        size = sum(len(pool.open) for pool in self.pools) + self._dialing
        if size < self.settings.max_connections or (fresh and size <= self.settings.max_connections):
            self._start_dialing(waiter)
        elif len(self._waiting) < QUEUE_LENGTH:
            self._waiting.append((waiter, monotonic() + self.settings.connect_timeout))
        else:
            asyncio.get_running_loop().call_soon(waiter.on_unavailable, self._overloaded())

    def leave(self, waiter: Waiter) -> None:
        """Forget somebody whose client has gone. A dial under way goes on: the next one will need it."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not waiter)

    def may_retry(self) -> bool:
        """Take one retry from the budget, if there is one left."""
        return self._budget.take()

    def note_success(self, connection: Connection) -> None:
        """Count an exchange that brought an answer."""
        connection.home.replica.note_success()

    def note_failure(self, connection: Connection) -> None:
        """Count an exchange that brought none."""
        connection.home.replica.note_error()

    def authority_for(self, connection: Connection) -> bytes:
        """Return the Host that a request on this connection carries."""
        return connection.home.authority

    async def close(self) -> None:
        """Cut every connection and end the health checks."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        await cancel_all(self._tasks)
        for pool in self.pools:
            pool.abort()

    async def retire(self) -> None:
        """Close idle connections, wait for the exchanges under way, then close."""
        self._is_retired = True
        for pool in self.pools:
            pool.close_idle()
        while self.active or self._waiting:
            self._quiet.clear()
            await self._quiet.wait()
        await self.close()

    def _choose(self) -> Pool:
        """Return the better of two random fit endpoints; when none is fit, all are: checks can be wrong."""
        fit = [pool for pool in self.pools if pool.replica.is_healthy] or list(self.pools)
        if len(fit) == 1:
            return fit[0]
        first, second = random.sample(fit, 2)
        return first if first.busy <= second.busy else second

    def _start_dialing(self, waiter: Waiter) -> None:
        """Take the place at once, so that no two calls take the last one."""
        self._dialing += 1
        spawn(self._dial(waiter), name=f"dial {self.name}", owner=self._tasks)

    async def _dial(self, waiter: Waiter) -> None:
        """Bring a connection, or say why there is none, and give the place back."""
        try:
            found = await self._connect()
        finally:
            self._dialing -= 1
        if isinstance(found, UpstreamError):
            waiter.on_unavailable(found)
            self._serve_next(self.pools[0])
        else:
            waiter.on_connection(found)

    async def _connect(self) -> Connection | UpstreamError:
        """Try one endpoint after the other: nothing was sent, so nothing can be done twice."""
        fault = UpstreamError(UpstreamFault.UNREACHABLE, f"No connection to {self.name}.")
        for pool in self._in_order():
            try:
                async with asyncio.timeout(self.settings.connect_timeout):
                    connection = await pool.dial()
            except TimeoutError:
                fault = UpstreamError(UpstreamFault.TIMEOUT, f"No connection to {self.name} in time.")
            except OSError as error:
                fault = UpstreamError(UpstreamFault.UNREACHABLE, f"No connection to {self.name}.")
                log.info("%s: %s", pool.replica.address.text, error)
            else:
                return connection
            pool.replica.note_error()
        return fault

    def _in_order(self) -> list[Pool]:
        first = self._only if self._only is not None else self._choose()
        return [first, *(pool for pool in self.pools if pool is not first and pool.replica.is_healthy)]

    def _serve_next(self, pool: Pool) -> None:
        """A place is free: the one who has waited longest gets it."""
        if self._waiting:
            waiter, _ = self._waiting.popleft()
            connection = pool.take()
            if connection is not None:
                waiter.on_connection(connection)
            else:
                self._start_dialing(waiter)
        if self._is_retired and not self.active:
            self._quiet.set()

    def _sweep(self) -> None:
        now = monotonic()
        for pool in self.pools:
            pool.sweep(now)
        while self._waiting and self._waiting[0][1] < now:
            waiter, _ = self._waiting.popleft()
            waiter.on_unavailable(self._overloaded())
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _overloaded(self) -> UpstreamError:
        return UpstreamError(UpstreamFault.OVERLOADED, f"All connections to {self.name} are busy.")
