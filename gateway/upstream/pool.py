"""The connections to one endpoint of an upstream."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from gateway.upstream.connection import Connection
from gateway.upstream.replica import Replica
from gateway.wire.line import LineMemo

IDLE_SECONDS: Final = 60.0
"""How long a connection waits for its next request."""


class Pool:
    """Owns the open connections to one endpoint; the idle ones are a stack, so that the least used ones age out.

    `on_free` is called when a connection has come back or gone, so that somebody who waits may have the place.
    """

    __slots__ = ("_memo", "_on_free", "_patience", "authority", "idle", "is_closing", "open", "replica")

    def __init__(self, replica: Replica, memo: LineMemo, patience: float, on_free: Callable[["Pool"], None]) -> None:
        self.replica = replica
        self.authority = replica.address.authority
        self.idle: list[Connection] = []
        self.open: set[Connection] = set()
        self.is_closing = False
        self._memo = memo
        self._patience = patience
        self._on_free = on_free

    def __repr__(self) -> str:
        return f"<Pool {self.replica.address.text}: {self.busy} active, {len(self.idle)} idle>"

    @property
    def busy(self) -> int:
        """How many exchanges are under way."""
        return len(self.open) - len(self.idle)

    def take(self) -> Connection | None:
        """Return the idle connection that was used last, if there is one."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if connection.is_open:
                return connection
        return None

    async def dial(self) -> Connection:
        """Open a connection; raises OSError."""
        connection = await self.replica.address.connect(self._make)
        self.open.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Take back a connection after a clean and complete answer."""
        if self.is_closing:
            connection.close()
            return
        connection.idle_since = monotonic()
        self.idle.append(connection)
        self._on_free(self)

    def closed(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        self._on_free(self)

    def sweep(self, now: float) -> None:
        """End exchanges whose backend is silent, and connections that nobody has needed for long."""
        for connection in [connection for connection in self.open if connection.deadline < now]:
            connection.expire()
        stale = now - IDLE_SECONDS
        for connection in [connection for connection in self.idle if connection.idle_since < stale]:
            self.idle.remove(connection)
            connection.close()

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

    def _make(self) -> Connection:
        return Connection(self, self._memo, self._patience)
