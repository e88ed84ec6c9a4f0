"""What the pool of one endpoint does when the network is quicker than we are."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.config.schema import Ejection
from gateway.core.clock import SystemClock
from gateway.core.turn import Turn
from gateway.upstream.address import Address
from gateway.upstream.arrival import pass_on
from gateway.upstream.connection import Connection
from gateway.upstream.dial import dial
from gateway.upstream.pool import Pool
from gateway.upstream.queue import Queue
from gateway.upstream.replica import Replica
from gateway.wire.line import LineMemo
from tests.upstream.test_split import Wire


class Dying(Address):
    """Its connections are closed before whoever dialed can look at them."""

    async def connect[P: asyncio.BaseProtocol](self, make: Callable[[], P]) -> P:
        made, wire = make(), Wire()
        made.connection_made(wire)
        wire.close()
        return made


class Watcher:
    """An owner that counts."""

    def __init__(self) -> None:
        self.gone = 0

    def on_spare(self, connection: Connection) -> None:
        """Nobody waits here."""
        raise AssertionError(connection)

    def on_gone(self) -> None:
        """Count it."""
        self.gone += 1


async def test_a_connection_that_is_closed_when_it_is_opened_takes_no_place() -> None:
    replica = Replica(Dying.parse("http://127.0.0.1:1"), Ejection(), SystemClock(), lambda: None)
    pool = Pool(replica, LineMemo(), 30, Queue(), Turn(pass_on), Watcher())
    pool.dialing += 1
    with pytest.raises(ConnectionResetError):
        await dial(pool)
    assert (pool.size, pool.busy, pool.load) == (0, 0, 0)
    assert repr(pool) == "<Pool http://127.0.0.1:1: 0 active, 0 idle, 0 dialing>"
