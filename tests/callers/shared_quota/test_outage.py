"""Redis slow, gone, emptied, full, and back again."""

import asyncio

import pytest
from redis import Redis

from gateway.callers.shared_quota.counter import Mode
from tests.support.own_redis import OwnRedis
from tests.support.soon import soon

from .conftest import Start, charge


async def test_a_stopped_redis_costs_one_timeout_and_then_nothing(start: Start, redis: OwnRedis) -> None:
    one = await start(timeout=0.05)
    await one.granted(4, charge(10, window=600))
    redis.pause()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    granted = await one.granted(50, charge(10, window=600))
    assert 0.05 <= loop.time() - begun < 0.5
    assert granted <= 6
    assert (one.quotas.mode, one.metrics.quota_fallbacks["timeout",]) == (Mode.ALONE, 1)
    begun = loop.time()
    await one.granted(100, charge(1_000, key="bob"))
    assert loop.time() - begun < 0.05


async def test_a_stopped_redis_that_goes_on_is_used_again_and_told_what_it_missed(
    start: Start, redis: OwnRedis
) -> None:
    one, other = await start(timeout=0.05), await start(timeout=0.05)
    assert await soon(lambda: one.quotas.share == 0.5)
    await one.granted(1, charge(20, window=600))
    redis.pause()
    alone = await one.granted(100, charge(20, window=600))
    assert alone == 5  # half of its half
    redis.go_on()
    assert await soon(lambda: one.quotas.mode is Mode.SHARED)
    assert await soon(lambda: other.quotas.mode is Mode.SHARED)
    # Its share was used up, so all of the quota counts as used.
    assert await other.granted(100, charge(20, window=600)) == 0


async def test_a_killed_redis_is_noticed_at_once_and_a_new_one_told_what_was_granted(
    start: Start, redis: OwnRedis
) -> None:
    one, other = await start(), await start()
    assert await soon(lambda: one.quotas.share == other.quotas.share == 0.5)
    assert await one.granted(20, charge(20, window=600)) == 20
    redis.kill()
    assert await soon(lambda: one.quotas.mode is other.quotas.mode is Mode.ALONE)
    assert await one.granted(20, charge(20, window=600)) == 0
    assert await other.granted(20, charge(20, window=600)) == 5  # it has never seen alice
    assert await other.granted(20, charge(20, window=600, key="bob")) == 5
    redis.restart()
    assert await soon(lambda: one.quotas.mode is other.quotas.mode is Mode.SHARED)
    assert await one.granted(20, charge(20, window=600)) == 0
    assert await other.granted(20, charge(20, window=600)) == 0
    assert one.metrics.quota_fallbacks["lost",] == 1


async def test_requests_on_their_way_when_redis_dies_are_answered(start: Start, redis: OwnRedis) -> None:
    one = await start(timeout=5.0)
    redis.pause()
    waiting = [one.soon(charge(key=f"user-{number}")) for number in range(20)]
    await asyncio.sleep(0)
    redis.kill()
    async with asyncio.timeout(2):
        assert all(verdict.is_allowed for verdict in await asyncio.gather(*waiting))


async def test_a_redis_that_cannot_write_is_no_reason_to_refuse(start: Start, redis: OwnRedis) -> None:
    one = await start()
    with Redis.from_url(redis.url) as client:
        client.config_set("maxmemory", 1)
        assert await one.granted(4, charge(10)) == 4
        assert one.metrics.quota_fallbacks["error",] >= 1
        client.config_set("maxmemory", 0)
    assert await soon(lambda: one.quotas.mode is Mode.SHARED)


async def test_without_a_redis_from_the_start_the_configured_share_holds(start: Start, redis: OwnRedis) -> None:
    redis.kill()
    one = await start(share=0.25)
    assert await one.granted(100, charge(40, window=600)) == 5
    redis.restart()
    assert await soon(lambda: one.quotas.mode is Mode.SHARED)
    assert await one.granted(100, charge(40, window=600, key="bob")) == 40


async def test_why_redis_cannot_be_used_is_logged_once(
    start: Start, redis: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    with Redis.from_url(redis.url) as client:
        client.config_set("requirepass", "a secret")
    one = await start()
    assert one.quotas.mode is Mode.ALONE
    said = [record.message for record in caplog.records if "cannot be used" in record.message]
    assert said == ["Redis cannot be used: NOAUTH Authentication required."]


async def test_closing_answers_who_waits(start: Start, redis: OwnRedis) -> None:
    one = await start(timeout=0.5)
    redis.pause()
    waiting = one.soon(charge())
    await one.quotas.close()
    assert waiting.result().is_allowed
