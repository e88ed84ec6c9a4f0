"""Redis as a cache: what is kept, what is forgotten, and what happens without it."""

import asyncio

import pytest
from redis.asyncio import Redis

from backends.domain.cache import Cache
from backends.domain.lenient import open_redis
from tests.backends.domain.conftest import Parts
from tests.support.port import free_port


class Source:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def load(self) -> dict[str, int]:
        self.asked += 1
        return {"version": self.asked}


async def test_a_second_fetch_is_served_from_redis_also_for_another_process(parts: Parts) -> None:
    source = Source()
    for cache in (Cache(parts.redis, "things", seconds=10), Cache(parts.redis, "things", seconds=10)):
        assert await cache.fetch("a", source.load) == {"version": 1}
    assert source.asked == 1


async def test_keys_and_areas_are_apart(parts: Parts) -> None:
    source = Source()
    things, others = Cache(parts.redis, "things", seconds=10), Cache(parts.redis, "others", seconds=10)
    await things.fetch("a", source.load)
    await things.fetch("b", source.load)
    await others.fetch("a", source.load)
    assert source.asked == 3


async def test_invalidating_forgets_every_value_of_the_area(parts: Parts) -> None:
    source, cache = Source(), Cache(parts.redis, "things", seconds=10)
    await cache.fetch("a", source.load)
    await Cache(parts.redis, "things", seconds=10).invalidate()
    assert await cache.fetch("a", source.load) == {"version": 2}


async def test_a_value_loaded_before_a_write_is_not_kept_after_it(parts: Parts) -> None:
    source, cache = Source(), Cache(parts.redis, "things", seconds=10)

    async def overtaken() -> dict[str, int]:
        loaded = await source.load()
        await cache.invalidate()
        return loaded

    await cache.fetch("a", overtaken)
    assert await cache.fetch("a", source.load) == {"version": 2}


async def test_values_expire(parts: Parts) -> None:
    await Cache(parts.redis, "things", seconds=10).fetch("a", Source().load)
    (name,) = await parts.redis.keys("cache:things:*:a")
    assert 0 < await parts.redis.ttl(name) <= 10


@pytest.fixture
async def dead_redis() -> Redis:
    return open_redis(f"redis://127.0.0.1:{free_port()}")


async def test_without_redis_every_fetch_loads_and_the_log_says_so_once(
    dead_redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    source, cache = Source(), Cache(dead_redis, "things", seconds=10)
    for _ in range(5):
        await cache.fetch("a", source.load)
    await cache.invalidate()
    assert source.asked == 5
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await dead_redis.aclose()


async def test_a_redis_that_hangs_costs_its_time_out_once(caplog: pytest.LogCaptureFixture) -> None:
    gone = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    redis = open_redis(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    source, cache = Source(), Cache(redis, "things", seconds=10)
    async with asyncio.timeout(4):
        for _ in range(50):
            await cache.fetch("a", source.load)
    assert source.asked == 50
    assert len(caplog.records) == 1
    gone.set()
    await redis.aclose()
    server.close()
