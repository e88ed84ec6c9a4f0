"""The connections to one endpoint of an upstream."""

from typing import Final, Protocol

from gateway.core.turn import Turn
from gateway.upstream.connection import Connection
from gateway.upstream.queue import Queue
from gateway.upstream.replica import Replica
from gateway.wire.line import LineMemo

IDLE_SECONDS: Final = 60.0
"""How long a connection waits for its next request, counted from its last one."""


class Owner(Protocol):
    """The cluster, as its pools see it."""

    def on_spare(self, connection: Connection) -> None:
        """A connection has come back while somebody waits for one."""

    def on_gone(self) -> None:
        """A connection has gone, and with it a place has become free."""


class Pool:
    """Owns the open connections to one endpoint; the idle ones are a stack, so that the least used ones age out.

    It never decides who gets a connection: while somebody waits in `queue`, its owner is asked. `dialing` counts the
    connections that are being opened.
    """

    __slots__ = (
        "_memo",
        "_owner",
        "_patience",
        "_queue",
        "arrived",
        "authority",
        "dialing",
        "idle",
        "is_closing",
        "open",
        "replica",
    )

    def __init__(
        self,
        replica: Replica,
        memo: LineMemo,
        patience: float,
        queue: Queue,
        arrived: Turn[Connection],
        owner: Owner,
    ) -> None:
        self.replica = replica
        self.arrived = arrived
        self.authority = replica.address.authority
        self.idle: list[Connection] = []
        self.open: set[Connection] = set()
        self.dialing = 0
        self.is_closing = False
        self._memo = memo
        self._patience = patience
        self._queue = queue
        self._owner = owner

    def __repr__(self) -> str:
        return f"<Pool {self.replica.address.text}: {self.busy} active, {len(self.idle)} idle, {self.dialing} dialing>"

    @property
    def busy(self) -> int:
        """How many exchanges are under way."""
        return len(self.open) - len(self.idle)

    @property
    def load(self) -> int:
        """How many exchanges are under way or wait for a connection that is being opened."""
        return len(self.open) - len(self.idle) + self.dialing

    @property
    def size(self) -> int:
        """How many places are taken."""
        return len(self.open) + self.dialing

    def take(self) -> Connection | None:
        """Return the idle connection that was used last, if there is one."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if connection.is_sound():
                return connection
        return None

    def make(self) -> Connection:
        """Return a connection that belongs here, to be opened."""
        return Connection(self, self._memo, self._patience)

    def release(self, connection: Connection) -> None:
        """Take back a connection after a clean and complete answer."""
        if self._queue.entries:
            self._owner.on_spare(connection)
        elif self.is_closing:
            connection.close()
        else:
            self.idle.append(connection)

    def closed(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        if connection in self.open:
            self.open.discard(connection)
            if connection in self.idle:
                self.idle.remove(connection)
            self._owner.on_gone()

    def sweep(self, now: float) -> None:
        """End exchanges whose backend is silent, and connections that nobody has needed for long."""
        for connection in [connection for connection in self.open if connection.deadline < now]:
            connection.expire()
        stale = now - IDLE_SECONDS
        for connection in [connection for connection in self.idle if connection.asked_at < stale]:
            self.idle.remove(connection)
            connection.close()

    def evict(self) -> None:
        """Cut the idle connection that has been idle the longest."""
        self.idle.pop(0).abort()

    def close_idle(self) -> None:
        """Close what nobody uses, and from now on whatever comes back."""
        self.is_closing = True
        idle, self.idle = self.idle, []
        for connection in idle:
            connection.close()

    def abort(self) -> None:
        """Cut every connection."""
        for connection in list(self.open):
            connection.abort()
