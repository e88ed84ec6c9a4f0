"""Where a connection to a backend belongs, as the connection sees it."""

from typing import TYPE_CHECKING, Protocol

from gateway.core.turn import Turn
from gateway.upstream.replica import Replica

if TYPE_CHECKING:
    from gateway.upstream.connection import Connection


class Home(Protocol):
    """Where a connection belongs: the pool of its endpoint."""

    replica: Replica
    authority: str
    arrived: "Turn[Connection]"

    def release(self, connection: "Connection") -> None:
        """Take back a connection after a clean and complete answer."""

    def closed(self, connection: "Connection") -> None:
        """Forget a connection that is gone."""
