"""The MongoDB driver, through motor; the one file to move when motor gives way to PyMongo's own async client.

Every write may be repeated: documents bring their own `_id`, changes are plain `$set`s.
"""

from collections.abc import Awaitable, Iterable, Mapping
from itertools import batched
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError, ConnectionFailure, DuplicateKeyError

from backends.domain.store import Document, Filter, Sort, StoreUnreachableError
from backends.domain.store.indexes import INDEXES

SELECTION_MS = 2500
"""How long an operation looks for a server before it fails."""
BATCH = 1000
DATABASE = "tacn"
_DUPLICATE_KEY = 11000


class MongoStore:
    """A `Store` over the database that the URL names."""

    def __init__(self, url: str) -> None:
        self._client: Any = AsyncIOMotorClient(url, serverSelectionTimeoutMS=SELECTION_MS)
        self._database = self._client.get_default_database(DATABASE)

    def __repr__(self) -> str:
        return f"<MongoStore {self._database.name}>"

    async def prepare(self) -> None:
        for collection, indexes in INDEXES.items():
            for index in indexes:
                await _reached(self._database[collection].create_index(list(index)))

    async def get(self, collection: str, key: str) -> Document | None:
        document: Document | None = await _reached(self._database[collection].find_one({"_id": key}))
        return document

    async def find(
        self, collection: str, where: Filter | None = None, *, sort: Sort = (), skip: int = 0, limit: int = 0
    ) -> list[Document]:
        cursor = self._database[collection].find(_query(where), skip=skip, limit=limit, sort=list(sort) or None)
        documents: list[Document] = await _reached(cursor.to_list(None))
        return documents

    async def count(self, collection: str, where: Filter | None = None) -> int:
        return int(await _reached(self._database[collection].count_documents(_query(where))))

    async def insert(self, collection: str, document: Document) -> bool:
        try:
            await _reached(self._database[collection].insert_one(dict(document)))
        except DuplicateKeyError:
            return False
        return True

    async def insert_many(self, collection: str, documents: Iterable[Document]) -> int:
        added = 0
        for batch in batched(documents, BATCH, strict=False):
            added += await self._insert_batch(collection, [dict(document) for document in batch])
        return added

    async def update(
        self, collection: str, where: Filter, changes: Mapping[str, Any], *, sort: Sort = ()
    ) -> Document | None:
        updating = self._database[collection].find_one_and_update(
            _query(where), {"$set": dict(changes)}, sort=list(sort) or None, return_document=ReturnDocument.AFTER
        )
        document: Document | None = await _reached(updating)
        return document

    async def delete(self, collection: str, key: str, where: Filter | None = None) -> bool:
        answer = await _reached(self._database[collection].delete_one({**_query(where), "_id": key}))
        return bool(answer.deleted_count)

    async def close(self) -> None:
        self._client.close()

    async def _insert_batch(self, collection: str, documents: list[Document]) -> int:
        try:
            answer = await _reached(self._database[collection].insert_many(documents, ordered=False))
        except BulkWriteError as error:
            return _added_despite(error)
        return len(answer.inserted_ids)


async def _reached[T](operation: Awaitable[T]) -> T:
    """What an operation answers, if there is a server."""
    try:
        return await operation
    except ConnectionFailure as error:
        raise StoreUnreachableError(str(error)) from error


def _added_despite(error: BulkWriteError) -> int:
    """Keys that existed already are no error here; anything else is."""
    details: Mapping[str, Any] = error.details
    if any(problem["code"] != _DUPLICATE_KEY for problem in details["writeErrors"]):
        raise error
    return int(details["nInserted"])


def _query(where: Filter | None) -> dict[str, Any]:
    return {field: _wanted(value) for field, value in (where or {}).items()}


def _wanted(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    wanted = dict(value)
    if "$contains" in wanted:
        wanted["$elemMatch"] = {"$eq": wanted.pop("$contains")}
    if "$gte" in wanted or "$lte" in wanted:
        # The server never finds null in a range; stand-ins of it do.
        wanted["$ne"] = None
    return wanted
