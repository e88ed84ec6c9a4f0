"""A store of each kind, empty; every test of the contract runs against both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.control.store.opening import open_store
from gateway.control.store.port import Store


@pytest.fixture(params=["sqlite", "mongo"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store is."""
    if request.param == "mongo":
        url: str = request.getfixturevalue("mongo_url")
        return url
    return f"sqlite:///{tmp_path}/var/crossfade.db"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store."""
    opened = open_store(store_url)
    await opened.open()
    yield opened
    await opened.close()
