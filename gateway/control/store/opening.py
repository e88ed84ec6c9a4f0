"""How a URL becomes a store."""

from pathlib import Path

from gateway.control.store.port import Store


def open_store(url: str) -> Store:
    """Return the store behind `sqlite:///FILE` or `mongodb://HOST/DATABASE`, not yet open.

    Three slashes and a relative path, or four and an absolute one. Raises ValueError for any other URL.
    """
    scheme, _, rest = url.partition(":///")
    if scheme == "sqlite" and rest:
        from gateway.control.store.sqlite.driver import SqliteStore  # noqa: PLC0415 - only the driver in use is loaded

        return SqliteStore(Path(rest))
    if url.startswith(("mongodb://", "mongodb+srv://")):
        from gateway.control.store.mongo import MongoStore  # noqa: PLC0415

        return MongoStore(url)
    raise ValueError("a store is sqlite:///FILE or mongodb://HOST/DATABASE")
