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
    time however many there are.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: OrderedDict[Waiter, tuple[float, bool]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Queue of {len(self._entries)}>"

    def __len__(self) -> int:
        return len(self._entries)

    def join(self, waiter: Waiter, patient_until: float, *, fresh: bool) -> None:
        """Wait behind everybody else."""
        self._entries[waiter] = (patient_until, fresh)

    def leave(self, waiter: Waiter) -> None:
        """Wait no more."""
        self._entries.pop(waiter, None)

    def wants_fresh(self) -> bool:
        """Return whether the one who has waited longest takes no used connection; there must be one."""
        return next(iter(self._entries.values()))[1]

    def pop(self) -> Waiter:
        """Remove and return the one who has waited longest; there must be one."""
        return self._entries.popitem(last=False)[0]

    def pop_impatient(self, now: float) -> Iterator[Waiter]:
        """Remove and yield those who have waited for too long."""
        while self._entries and next(iter(self._entries.values()))[0] < now:
            yield self.pop()
