"""What the control plane asks of a store. SQLite and MongoDB answer alike; one suite of tests holds both to it."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.control.event import Event
from gateway.control.usage import Batch, Caller, Total, Usage


class StoreError(Exception):
    """The store cannot be reached or does not do its work; nothing is known of what was asked last."""


class TakenError(Exception):
    """Another event has this number already: read what has happened since, and decide anew."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who leads, as it is written: `beat` grows while the holder lives, `fence` with every new holder."""

    holder: str
    fence: int
    beat: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Two answers that differ: `fields` are the paths of the differences, `detail` both values (redacted) by path."""

    at: float
    migration: str
    endpoint: str
    fields: Sequence[str]
    detail: Mapping[str, Any]


class Store(Protocol):
    """Keeps events, the ledger, the lease and samples of shadow traffic. Every call may raise StoreError, soon.

    Every write may be repeated after a StoreError without doing anything twice.
    """

    async def open(self) -> None:
        """Connect, and make what is not there yet. Works again after a failure."""
        ...

    async def close(self) -> None:
        """Let go; may be called again, and without an `open`."""
        ...

    async def append(self, event: Event) -> None:
        """Keep an event durably; raises TakenError when its number is not the one after the last.

        Appending an event that is there already, equal in everything, is no error.
        """
        ...

    async def events(self, after: int = 0, limit: int = 10_000) -> Sequence[Event]:
        """Return the events after a number, oldest first."""
        ...

    async def history(self, migration: str | None, before: int | None, limit: int) -> Sequence[Event]:
        """Return the events before a number (None: the last ones), newest first."""
        ...

    async def record(self, batch: Batch) -> None:
        """Add a batch to the ledger, each row once."""
        ...

    def usage(self, since_day: int, migration: str | None = None) -> AsyncIterator[Usage]:
        """Yield the rows since a day, the writers' together, ordered by migration and consumer."""
        ...

    async def totals(
        self, since_day: int, migration: str | None = None, of: Sequence[Caller] | None = None
    ) -> Sequence[Total]:
        """Return each consumer's use since a day, or only these consumers', most legacy calls first."""
        ...

    async def busiest(self, since_day: int, migrations: Collection[str], limit: int) -> tuple[int, Sequence[Caller]]:
        """Return how many consumers called since a day, and so many of them, most legacy calls first."""
        ...

    async def forget(self, before_day: int) -> None:
        """Drop the ledger's rows of days before this one."""
        ...

    async def lease(self, name: str) -> Lease | None:
        """Return who leads."""
        ...

    async def swap_lease(self, name: str, seen: Lease | None, wanted: Lease) -> bool:
        """Replace what was seen; return False when it is not so any more. True also when `wanted` is there already."""
        ...

    async def keep_samples(self, samples: Sequence[Sample], most: int) -> None:
        """Keep samples, at most so many of each migration: the newest. One that is there already is not kept twice."""
        ...

    async def samples(self, migration: str, limit: int) -> Sequence[Sample]:
        """Return a migration's samples, newest first."""
        ...
