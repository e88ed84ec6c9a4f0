"""The store in one SQLite file. Owns two threads: short work never waits behind a report."""

from collections.abc import AsyncIterator, Collection, Sequence
from functools import partial
from pathlib import Path

from gateway.control.event import Event
from gateway.control.store.port import Lease, Sample
from gateway.control.store.sqlite import events, lease, ledger, totals
from gateway.control.store.sqlite import samples as shelf
from gateway.control.store.sqlite.file import File
from gateway.control.usage import Batch, Caller, Total, Usage


class SqliteStore:
    """A `Store` in a file, made with its folder when it is not there. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = File(path, "store")
        self._reports = File(path, "store reports")

    def __repr__(self) -> str:
        return f"<SqliteStore {self._file}>"

    async def open(self) -> None:
        """Make the file and its tables."""
        await self._file.run(lambda _: None)

    async def close(self) -> None:
        """Close the file."""
        await self._reports.close()
        await self._file.close()

    async def append(self, event: Event) -> None:
        """Keep an event durably."""
        await self._file.run(partial(events.append, event=event))

    async def events(self, after: int = 0, limit: int = 10_000) -> Sequence[Event]:
        """Return the events after a number, oldest first."""
        return await self._file.run(partial(events.after, number=after, limit=limit))

    async def history(self, migration: str | None, before: int | None, limit: int) -> Sequence[Event]:
        """Return the events before a number, newest first."""
        return await self._file.run(partial(events.history, migration=migration, before=before, limit=limit))

    async def record(self, batch: Batch) -> None:
        """Add a batch to the ledger."""
        await self._file.run(partial(ledger.record, batch=batch))

    async def usage(self, since_day: int, migration: str | None = None) -> AsyncIterator[Usage]:
        """Yield the rows since a day. Each page is read for itself, so nothing stays locked between two."""
        after: ledger.Key | None = None
        while True:
            read = partial(ledger.page, since_day=since_day, migration=migration, after=after)
            rows, after = await self._reports.run(read)
            for row in rows:
                yield row
            if after is None:
                return

    async def totals(
        self, since_day: int, migration: str | None = None, of: Sequence[Caller] | None = None
    ) -> Sequence[Total]:
        """Return each consumer's use since a day, or only these consumers'."""
        if of is not None:
            return await self._reports.run(partial(totals.totals_of, since_day=since_day, callers=of))
        return await self._reports.run(partial(totals.totals, since_day=since_day, migration=migration))

    async def busiest(self, since_day: int, migrations: Collection[str], limit: int) -> tuple[int, Sequence[Caller]]:
        """Return who called most since a day."""
        find = partial(totals.busiest, since_day=since_day, migrations=migrations, limit=limit)
        return await self._reports.run(find)

    async def forget(self, before_day: int) -> None:
        """Drop the ledger's rows of days before this one."""
        while not await self._file.run(partial(ledger.forget, before_day=before_day)):
            pass  # others have their turn between two parts

    async def lease(self, name: str) -> Lease | None:
        """Return who leads."""
        return await self._file.run(partial(lease.read, name=name))

    async def swap_lease(self, name: str, seen: Lease | None, wanted: Lease) -> bool:
        """Replace what was seen."""
        return await self._file.run(partial(lease.swap, name=name, seen=seen, wanted=wanted))

    async def keep_samples(self, samples: Sequence[Sample], most: int) -> None:
        """Keep samples, at most so many of each migration."""
        await self._file.run(partial(shelf.keep, samples=samples, most=most))

    async def samples(self, migration: str, limit: int) -> Sequence[Sample]:
        """Return a migration's samples."""
        return await self._file.run(partial(shelf.newest, migration=migration, limit=limit))
