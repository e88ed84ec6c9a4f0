"""The document-store seam: what the domain asks of a store, and how a URL becomes one.

Documents are JSON objects with a text `_id`. The drivers are strangers to each other and to the domain's meaning.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

type Document = dict[str, Any]
type Filter = Mapping[str, Any]
"""Flat field names; a value means equality, or `{"$in": […]}`, `{"$gte": x}`, `{"$lte": x}`, `{"$contains": x}`
(an array has x)."""
type Sort = Sequence[tuple[str, int]]
"""Fields with 1 (ascending) or -1."""


class StoreUnreachableError(OSError):
    """The store does not answer, or not in time; what a driver raises in place of its own error for that."""


class Store(Protocol):
    """A document store that several processes may share. Every write is atomic and safe to repeat.

    Each method raises `StoreUnreachableError` where the store does not answer.
    """

    async def prepare(self) -> None:
        """Creates what is missing: tables, indexes. Safe to repeat, in several processes at once."""
        ...

    async def get(self, collection: str, key: str) -> Document | None:
        """The document of that key."""
        ...

    async def find(
        self, collection: str, where: Filter | None = None, *, sort: Sort = (), skip: int = 0, limit: int = 0
    ) -> list[Document]:
        """The documents that match; `limit` 0 means all."""
        ...

    async def count(self, collection: str, where: Filter | None = None) -> int:
        """How many documents match."""
        ...

    async def insert(self, collection: str, document: Document) -> bool:
        """Adds a document; False: its key exists already, nothing changed."""
        ...

    async def insert_many(self, collection: str, documents: Iterable[Document]) -> int:
        """Adds the documents whose keys are new and returns how many those were."""
        ...

    async def update(
        self, collection: str, where: Filter, changes: Mapping[str, Any], *, sort: Sort = ()
    ) -> Document | None:
        """Atomically sets fields of the first match and returns the document after it; None: no match."""
        ...

    async def delete(self, collection: str, key: str, where: Filter | None = None) -> bool:
        """Removes the document of that key, if it also matches; False: nothing was removed."""
        ...

    async def close(self) -> None:
        """Lets go of files and connections; safe to repeat."""
        ...


def open_store(url: str) -> Store:
    """The store behind `sqlite:///FILE` or `mongodb://host:port/db`; raises `ValueError` for any other URL."""
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        from backends.domain.store.sqlite import SqliteStore  # noqa: PLC0415 - only the driver in use is loaded

        return SqliteStore(url.removeprefix("sqlite:///"))
    if scheme in {"mongodb", "mongodb+srv"}:
        from backends.domain.store.mongo import MongoStore  # noqa: PLC0415

        return MongoStore(url)
    raise ValueError(f"a store's URL starts with sqlite:/// or mongodb://, not {scheme}:")
