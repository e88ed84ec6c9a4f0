"""One upstream: its endpoints, its connections and its health checks."""

import asyncio
import logging
from random import random
from time import monotonic
from typing import Any, Final

from gateway.config.schema import Upstream
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.core.turn import Turn
from gateway.upstream.address import Address
from gateway.upstream.arrival import pass_on
from gateway.upstream.connection import Connection
from gateway.upstream.dial import dial
from gateway.upstream.fault import UpstreamError, UpstreamFault, is_exhaustion
from gateway.upstream.health import watch
from gateway.upstream.pool import Pool
from gateway.upstream.queue import Queue, Waiter
from gateway.upstream.replica import Replica
from gateway.upstream.retry import RetryBudget
from gateway.upstream.trust import Trust
from gateway.wire.hop import ANSWER_REPLACED
from gateway.wire.line import LineMemo

log = logging.getLogger(__name__)

QUEUE_LENGTH: Final = 1024
"""How many requests may wait for a connection; further ones are told at once that there is none."""
SWEEP_SECONDS: Final = 0.25
"""How often deadlines are looked at: no time-out is kept more precisely than this."""


class Cluster:
    """Owns the connections to one upstream, so that another one that hangs can never starve it.

    It never decides whether to ask, and never changes a request. At most `max_connections` are open or being opened;
    who finds none waits in order of arrival, as long as a connection may take to open. `start` needs a running loop.
    A retired cluster takes no new requests and closes itself when the last one has ended. `requests` counts takers.
    """

    def __init__(self, name: str, settings: Upstream, clock: Clock) -> None:
        self.name = name
        self.settings = settings
        self.requests = 0
        self._queue = Queue()
        memo = LineMemo(ANSWER_REPLACED)
        trust = Trust(settings.tls) if settings.tls is not None else None
        addresses = [Address.parse(text, trust) for text in settings.endpoints]
        replicas = [Replica(address, settings.ejection, clock, self._judge) for address in addresses]
        self._arrived: Turn[Connection] = Turn(pass_on)
        patience, arrived = settings.response_timeout, self._arrived
        self.pools = tuple(Pool(replica, memo, patience, self._queue, arrived, self) for replica in replicas)
        self._only = self.pools[0] if len(self.pools) == 1 else None
        self._fit = list(self.pools)
        self._budget = RetryBudget(settings.retries.budget)
        self._pending: set[Waiter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._quiet = asyncio.Event()
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Cluster {self.name}: {list(self.pools)}, {self.queued} queued>"

    # ------------------------------------------------------------------ counts

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
        """How many requests wait for a connection: for one that is being opened, or for a place."""
        return len(self._queue) + len(self._pending)

    @property
    def size(self) -> int:
        """How many of the `max_connections` places are taken."""
        return sum(pool.size for pool in self.pools)

    @property
    def is_fit(self) -> bool:
        """Whether at least one endpoint passes its checks and is not ejected."""
        return any(pool.replica.is_healthy for pool in self.pools)

    # ------------------------------------------------------------------ the exchange's calls

    def take(self) -> Connection | None:
        """Return an open idle connection at once, or None."""
        self.requests += 1
        return self._only.take() if self._only is not None else self._take_of_several()

    def wait(self, waiter: Waiter, *, fresh: bool = False) -> None:
        """Call back with a connection, or with the reason why there is none; `fresh` never gives a used one.

        An attempt to connect takes at most `connect_timeout`; when it fails, every other fit endpoint is tried.
        """
        if self._is_closed:
            self._refuse_soon(waiter, self._unreachable(is_ours=True))
        elif self.size < self.settings.max_connections:
            self._begin_dial(waiter)
        elif len(self._queue) < QUEUE_LENGTH:
            self._queue.join(waiter, monotonic() + self.settings.connect_timeout, fresh=fresh)
            self._make_room()
        else:
            self._refuse_soon(waiter, self._overloaded())

    def leave(self, waiter: Waiter) -> None:
        """Forget somebody whose client has gone. A connection that is being opened will do for the next one."""
        self._queue.leave(waiter)
        self._pending.discard(waiter)

    def may_retry(self) -> bool:
        """Take one retry from the budget, if there is one left."""
        return self.settings.retries.attempts > 0 and self._budget.take(self.requests)

    def note_failure(self, connection: Connection) -> None:
        """Count an exchange that brought none, except where the backend has only closed a kept-alive connection."""
        if not connection.was_stale:
            connection.home.replica.note_error()

    # ------------------------------------------------------------------ the pools' calls

    def on_spare(self, connection: Connection) -> None:
        """A connection has come back: the one who has waited longest gets it."""
        if self._queue.wants_fresh() and not connection.is_fresh:
            connection.abort()  # its place is what the waiter needs
        else:
            self._queue.pop().on_connection(connection)

    def on_gone(self) -> None:
        """A place is free: the one who has waited longest gets it."""
        while self._queue and self.size < self.settings.max_connections and not self._is_closed:
            self._begin_dial(self._queue.pop())
        if not self.size:
            self._quiet.set()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Begin the health checks and the sweeping of deadlines."""
        if self.settings.health is not None:
            for pool in self.pools:
                name = f"health of {self.name} {pool.replica.address.text}"
                spawn(watch(pool.replica, self.settings.health), name=name, owner=self._tasks)
        self._tick()

    def sweep(self, now: float) -> None:
        """End what has taken too long, and ask again those endpoints whose ejection has run out."""
        self._arrived.end()  # what is here already is not late, whenever it is looked at
        for pool in self.pools:
            pool.sweep(now)
        for waiter in self._queue.pop_impatient(now):
            waiter.on_unavailable(self._overloaded())
        self._judge()

    async def retire(self) -> None:
        """Close idle connections, wait for the exchanges under way, then close."""
        for pool in self.pools:
            pool.close_idle()
        while self.size:
            self._quiet.clear()
            await self._quiet.wait()
        await self.close()

    async def close(self) -> None:
        """Cut every connection, refuse everybody who waits, and end the health checks; may be called again."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        await cancel_all(self._tasks)
        for waiter in list(self._pending):
            self._refuse(waiter, self._unreachable(is_ours=True))
        while self._queue:
            self._queue.pop().on_unavailable(self._unreachable(is_ours=True))
        for pool in self.pools:
            pool.close_idle()
            pool.abort()

    def _tick(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._tick)
        self.sweep(monotonic())

    # ------------------------------------------------------------------ choosing

    def _judge(self) -> None:
        """Note which endpoints are fit; when none is, all are: checks can be wrong."""
        self._fit = [pool for pool in self.pools if pool.replica.is_healthy] or list(self.pools)

    def _choose(self) -> Pool:
        """Return the less loaded one of two random fit endpoints."""
        fit = self._fit
        count = len(fit)
        if count == 1:
            return fit[0]
        # `random` is one call into C; `sample` and `randrange` cost many times that.
        one, other = int(random() * count), int(random() * (count - 1))
        first, second = fit[one], fit[other + 1 if other >= one else other]
        return first if first.load <= second.load else second

    def _take_of_several(self) -> Connection | None:
        connection = self._choose().take()
        if connection is None and self.size >= self.settings.max_connections:
            # No place for another connection to that endpoint: a busier one's is better than none.
            for pool in self._fit:
                connection = pool.take()
                if connection is not None:
                    break
        return connection

    def _make_room(self) -> None:
        """Give up an idle connection that nobody who waits can use: a used one, or one to an unfit endpoint."""
        pool = max(self.pools, key=lambda pool: len(pool.idle))
        if pool.idle:
            pool.evict()

    # ------------------------------------------------------------------ dialing

    def _begin_dial(self, waiter: Waiter) -> None:
        pool = self._only if self._only is not None else self._choose()
        pool.dialing += 1  # at once, so that everybody after us sees the place taken
        self._pending.add(waiter)
        spawn(self._dial(waiter, pool), name=f"dial {self.name}", owner=self._tasks)

    async def _dial(self, waiter: Waiter, pool: Pool) -> None:
        try:
            connection = await self._connect(pool)
        except UpstreamError as error:
            self._refuse(waiter, error)
            self.on_gone()
            return
        if waiter in self._pending:
            self._pending.discard(waiter)
            waiter.on_connection(connection)
        else:
            connection.home.release(connection)

    async def _connect(self, first: Pool) -> Connection:
        """Try one endpoint after the other: nothing was sent, so nothing can be done twice. Raises UpstreamError."""
        fault = self._unreachable()
        for pool in (first, *(pool for pool in self._fit if pool is not first)):
            if pool is not first:
                pool.dialing += 1
            try:
                async with asyncio.timeout(self.settings.connect_timeout):
                    return await dial(pool)
            except TimeoutError:
                fault = UpstreamError(UpstreamFault.TIMEOUT, f"No connection to {self.name} in time.")
            except (OSError, ValueError) as error:
                log.info("%s: %s", pool.replica.address.text, error)
                fault = self._unreachable(is_ours=is_exhaustion(error))
                if fault.is_ours:
                    raise fault from error
            pool.replica.note_error()
        raise fault

    # ------------------------------------------------------------------ refusing

    def _refuse_soon(self, waiter: Waiter, error: UpstreamError) -> None:
        self._pending.add(waiter)
        asyncio.get_running_loop().call_soon(self._refuse, waiter, error)

    def _refuse(self, waiter: Waiter, error: UpstreamError) -> None:
        """Tell somebody who has not left since."""
        if waiter in self._pending:
            self._pending.discard(waiter)
            waiter.on_unavailable(error)

    def _unreachable(self, *, is_ours: bool = False) -> UpstreamError:
        return UpstreamError(UpstreamFault.UNREACHABLE, f"No connection to {self.name}.", is_ours=is_ours)

    def _overloaded(self) -> UpstreamError:
        return UpstreamError(UpstreamFault.OVERLOADED, f"All connections to {self.name} are busy.")
