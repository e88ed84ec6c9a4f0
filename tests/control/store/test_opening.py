"""How a URL becomes a store."""

from pathlib import Path

import pytest

from gateway.control.store.mongo import MongoStore
from gateway.control.store.opening import open_store
from gateway.control.store.sqlite.driver import SqliteStore


async def test_three_slashes_and_a_path_are_a_relative_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///var/deep/crossfade.db")

    await store.open()

    assert (tmp_path / "var/deep/crossfade.db").exists()
    await store.close()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:////var/lib/crossfade.db", SqliteStore),
        ("mongodb://127.0.0.1:27017", MongoStore),
        ("mongodb://user:pa%3Ass@a:1,b:2/crossfade?replicaSet=rs", MongoStore),
    ],
)
async def test_the_scheme_chooses_the_driver(url: str, kind: type) -> None:
    store = open_store(url)

    assert type(store) is kind
    await store.close()
    await store.close()


@pytest.mark.parametrize(
    "url", ["", "sqlite:///", "sqlite://file", "sqlite:file", "postgres://x", "mongodb://", "mongodb://a:b:c", "mongo"]
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="store"):
        open_store(url)


async def test_a_password_is_not_shown() -> None:
    store = open_store("mongodb://user:hush@127.0.0.1/crossfade")

    assert repr(store) == "<MongoStore crossfade>"
    await store.close()
