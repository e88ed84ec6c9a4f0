"""Who waits for a connection to one upstream."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

from gateway.upstream.connection import Connection
from gateway.upstream.fault import UpstreamError


class Waiter(Protocol):
    """Who needs a connection. It is called back once, and never from inside `wait`."""

    def on_connection(self, connection: Connection) -> None:
        """Here it is."""

    def on_unavailable(self, error: UpstreamError) -> None:
        """There is none to be had."""


class Queue:
    """Owns the order in which waiters came, and how long each has patience; all of them have the same patience.

    A `fresh` waiter takes no connection that was used before. Joining, leaving and being served take the same small
    time however many there are. `entries` is empty when nobody waits; nobody else changes it.
    """

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: OrderedDict[Waiter, tuple[float, bool]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Queue of {len(self.entries)}>"

    def __len__(self) -> int:
        return len(self.entries)

    def join(self, waiter: Waiter, patient_until: float, *, fresh: bool) -> None:
        """Wait behind everybody else."""
        self.entries[waiter] = (patient_until, fresh)

    def leave(self, waiter: Waiter) -> None:
        """Wait no more."""
        self.entries.pop(waiter, None)

    def wants_fresh(self) -> bool:
        """Return whether the one who has waited longest takes no used connection; there must be one."""
        return next(iter(self.entries.values()))[1]

    def pop(self) -> Waiter:
        """Remove and return the one who has waited longest; there must be one."""
        return self.entries.popitem(last=False)[0]

    def pop_impatient(self, now: float) -> Iterator[Waiter]:
        """Remove and yield those who have waited for too long."""
        while self.entries and next(iter(self.entries.values()))[0] < now:
            yield self.pop()
