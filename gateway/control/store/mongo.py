"""The store in MongoDB, through motor; the one file to move when motor gives way to PyMongo's own async client.

Every write may be repeated: documents bring their own `_id`, and a ledger row notes the last batch of each writer that
it has in it. JSON objects are kept as text, so that their keys may be anything.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import batched
from typing import Any, Final

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from gateway.control.event import Event
from gateway.control.store import text
from gateway.control.store.mongo_ledger import CALLS, INDEXES, TOTALS, addition, total, usage
from gateway.control.store.port import Lease, Sample, StoreError, TakenError
from gateway.control.usage import Batch, Caller, Total, Usage, most

DATABASE: Final = "crossfade"
"""Where the URL names none."""
SELECTION_MS: Final = 2500
HEARTBEAT_MS: Final = 2000
"""How often a server is looked at; as soon is it found again."""
QUICK_SECONDS: Final = 3.0
"""For one answer; the search for a server is part of it."""
REPORT_SECONDS: Final = 60.0
BULK: Final = 1000
_DUPLICATE: Final = 11000


class MongoStore:
    """A `Store` in the database that the URL names. Raises ValueError for a URL that PyMongo does not understand."""

    def __init__(self, url: str) -> None:
        try:
            self._client: Any = AsyncIOMotorClient(
                url,
                appname="crossfade",
                serverSelectionTimeoutMS=SELECTION_MS,
                connectTimeoutMS=SELECTION_MS,
                heartbeatFrequencyMS=HEARTBEAT_MS,
                # What was acknowledged, and what was read, survives the server that did it.
                w="majority",
                journal=True,
                readConcernLevel="majority",
                readPreference="primary",
            )
            database = self._client.get_default_database(DATABASE)
        except (PyMongoError, ValueError) as error:
            raise ValueError(f"the store's URL: {error}") from error
        self._name = database.name
        self._events, self._usage = database["events"], database["usage"]
        self._leases, self._samples = database["leases"], database["samples"]

    def __repr__(self) -> str:
        return f"<MongoStore {self._name}>"

    async def open(self) -> None:
        """Make the indexes; collections come by themselves."""
        await _answer(partial(self._events.create_index, [("migration", 1), ("_id", -1)]))
        await _answer(partial(self._samples.create_index, [("migration", 1), ("at", -1)]))
        for index in INDEXES:
            await _answer(partial(self._usage.create_index, index))

    async def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    async def append(self, event: Event) -> None:
        """Keep an event durably. Events are never removed, so the one before it stays the one before it."""
        document = _event_document(event)
        before = {"_id": event.number - 1}
        if event.number == 1 or await _answer(lambda: self._events.find_one(before)) is not None:
            try:
                await _answer(lambda: self._events.insert_one(document))
            except DuplicateKeyError:
                pass
            else:
                return
        if await _answer(lambda: self._events.find_one({"_id": event.number})) != document:
            raise TakenError(f"{event.number} is not the next event's number")

    async def events(self, after: int = 0, limit: int = 10_000) -> Sequence[Event]:
        """Return the events after a number, oldest first."""
        return await self._found_events({"_id": {"$gt": after}}, 1, limit)

    async def history(self, migration: str | None, before: int | None, limit: int) -> Sequence[Event]:
        """Return the events before a number, newest first."""
        where: dict[str, Any] = {} if before is None else {"_id": {"$lt": before}}
        return await self._found_events(where if migration is None else {"migration": migration, **where}, -1, limit)

    async def record(self, batch: Batch) -> None:
        """Add a batch to the ledger, a part at a time; what is there already is left out when it is repeated."""
        for part in batched(batch.rows, BULK, strict=False):
            changes = [addition(row, batch) for row in part if row.requests or row.failures]
            # An insertion that finds the key taken was done before, or another writer made the row just now; the
            # second attempt finds the row, and adds to it unless it has this batch.
            if changes and (taken := await self._change(changes)):
                await self._change([changes[at] for at in taken])

    async def usage(self, since_day: int, migration: str | None = None) -> AsyncIterator[Usage]:
        """Yield the rows since a day."""
        await self._find_server()
        cursor = self._usage.find(_since(since_day, migration), {"seen": 0})
        cursor = cursor.sort([("migration", 1), ("consumer", 1)]).allow_disk_use(True)
        while documents := await _answer(lambda: cursor.to_list(BULK), REPORT_SECONDS):
            for document in documents:
                yield usage(document)

    async def totals(
        self, since_day: int, migration: str | None = None, of: Sequence[Caller] | None = None
    ) -> Sequence[Total]:
        """Return each consumer's use since a day, or only these consumers'."""
        where = _since(since_day, migration)
        if of is None:
            found = await self._report(where, TOTALS)
        else:
            parts = batched(sorted({consumer for _, consumer in of}), BULK, strict=False)
            asked = [{**where, "consumer": {"$in": list(part)}} for part in parts]
            found = [one for part in asked for one in await self._report(part, TOTALS)]
        callers = None if of is None else set(of)
        totals = [total(one) for one in found]
        wanted = [one for one in totals if callers is None or one[:2] in callers]
        return sorted(wanted, key=lambda one: (-one.legacy, one.migration, one.consumer))

    async def busiest(self, since_day: int, migrations: Collection[str], limit: int) -> tuple[int, Sequence[Caller]]:
        """Return who called most since a day."""
        where = {"day": {"$gte": since_day}, "migration": {"$in": list(migrations)}}
        found = await self._report(where, CALLS)
        calls = {(one["_id"]["migration"], one["_id"]["consumer"]): one["legacy"] for one in found}
        return most(calls, limit)

    async def forget(self, before_day: int) -> None:
        """Drop the ledger's rows of days before this one."""
        await self._find_server()
        await _answer(lambda: self._usage.delete_many({"day": {"$lt": before_day}}), REPORT_SECONDS)

    async def lease(self, name: str) -> Lease | None:
        """Return who leads."""
        found = await _answer(lambda: self._leases.find_one({"_id": name}))
        return Lease(found["holder"], found["fence"], found["beat"]) if found else None

    async def swap_lease(self, name: str, seen: Lease | None, wanted: Lease) -> bool:
        """Replace what was seen."""
        if await self._has_swapped(name, seen, _lease_document(wanted)):
            return True
        return await self.lease(name) == wanted

    async def keep_samples(self, samples: Sequence[Sample], most: int) -> None:
        """Keep samples, at most so many of each migration."""
        for one in samples:
            document = _sample_document(one)
            where, change = {"_id": document["_id"]}, {"$setOnInsert": document}
            await _answer(partial(self._samples.update_one, where, change, upsert=True))
        for migration in {one.migration for one in samples}:
            await self._trim_samples(migration, most)

    async def samples(self, migration: str, limit: int) -> Sequence[Sample]:
        """Return a migration's samples."""
        return [_sample(one) for one in await self._newest_samples(migration, limit, 0)]

    async def _report(
        self, where: Mapping[str, Any], pipeline: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        await self._find_server()
        cursor = self._usage.aggregate([{"$match": where}, *pipeline], allowDiskUse=True)
        found: Sequence[Mapping[str, Any]] = await _answer(lambda: cursor.to_list(None), REPORT_SECONDS)
        return found

    async def _find_server(self) -> None:
        """Raise StoreError soon, before something that may take long: PyMongo looks for a server as long as that."""
        await _answer(lambda: self._client.admin.command("ping"))

    async def _found_events(self, where: Mapping[str, Any], way: int, limit: int) -> Sequence[Event]:
        if limit < 1:
            return []
        cursor = self._events.find(where).sort("_id", way).limit(limit)
        return [_event(one) for one in await _answer(lambda: cursor.to_list(None))]

    async def _change(self, changes: Sequence[Any]) -> Sequence[int]:
        """Return which changes found the key of their new row taken."""
        try:
            await _answer(lambda: self._usage.bulk_write(changes, ordered=False))
        except BulkWriteError as error:
            problems = error.details["writeErrors"]
            if error.details["writeConcernErrors"] or any(one["code"] != _DUPLICATE for one in problems):
                raise StoreError(_brief(error)) from error
            return [one["index"] for one in problems]
        return []

    async def _has_swapped(self, name: str, seen: Lease | None, wanted: Mapping[str, Any]) -> bool:
        if seen is not None:
            where = {"_id": name, **_lease_document(seen)}
            answer = await _answer(lambda: self._leases.update_one(where, {"$set": wanted}))
            return bool(answer.matched_count)
        try:
            await _answer(lambda: self._leases.insert_one({"_id": name, **wanted}))
        except DuplicateKeyError:
            return False
        return True

    async def _newest_samples(self, migration: str, limit: int, skip: int) -> Sequence[Mapping[str, Any]]:
        cursor = self._samples.find({"migration": migration}).sort([("at", -1), ("_id", 1)]).skip(skip).limit(limit)
        found: Sequence[Mapping[str, Any]] = await _answer(lambda: cursor.to_list(None))
        return found

    async def _trim_samples(self, migration: str, most: int) -> None:
        surplus = [one["_id"] for one in await self._newest_samples(migration, BULK, most)]
        if surplus:
            await _answer(lambda: self._samples.delete_many({"_id": {"$in": surplus}}))


async def _answer[T](ask: Callable[[], Awaitable[T]], seconds: float = QUICK_SECONDS) -> T:
    """Return the server's answer; raises StoreError, or what a caller looks at by itself."""
    try:
        with pymongo.timeout(seconds):
            return await ask()
    except (DuplicateKeyError, BulkWriteError):
        raise
    except PyMongoError as error:
        raise StoreError(_brief(error)) from error


def _brief(error: PyMongoError) -> str:
    """PyMongo tells of every server at length; the beginning says what it is."""
    return f"MongoDB: {str(error)[:200]}"


def _since(day: int, migration: str | None) -> dict[str, Any]:
    return {"day": {"$gte": day}, **({} if migration is None else {"migration": migration})}


def _event_document(event: Event) -> dict[str, Any]:
    return {
        "_id": event.number,
        "at": float(event.at),
        "migration": event.migration,
        "verb": event.verb.value,
        "who": event.who,
        "why": event.why,
        "before": text.dump(event.before),
        "after": text.dump(event.after),
        "fence": event.fence,
    }


def _event(found: Mapping[str, Any]) -> Event:
    before, after = text.load(found["before"]), text.load(found["after"])
    said = (found["who"], found["why"], before, after, found["fence"])
    return Event(found["_id"], found["at"], found["migration"], text.verb(found["verb"]), *said)


def _lease_document(lease: Lease) -> dict[str, Any]:
    return {"holder": lease.holder, "fence": lease.fence, "beat": lease.beat}


def _sample_document(one: Sample) -> dict[str, Any]:
    fields, detail = text.dump(list(one.fields)), text.dump(one.detail)
    return {
        "_id": text.digest(float(one.at), one.migration, one.endpoint, fields, detail),
        "migration": one.migration,
        "at": float(one.at),
        "endpoint": one.endpoint,
        "fields": fields,
        "detail": detail,
    }


def _sample(found: Mapping[str, Any]) -> Sample:
    fields, detail = text.load(found["fields"]), text.load(found["detail"])
    return Sample(found["at"], found["migration"], found["endpoint"], fields, detail)
