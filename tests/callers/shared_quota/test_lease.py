"""Leases: most requests wait for nobody, and no more is granted than is stated."""

import asyncio

from redis import Redis

from gateway.callers.shared_quota.counter import Mode
from gateway.policy.quota import Charge
from tests.support.own_redis import OwnRedis
from tests.support.soon import soon

from .conftest import Process, Start, charge


def leased(quota: int = 1_000, window: float = 600.0, key: str = "alice", name: str = "burst") -> Charge:
    return charge(quota, window, key, name, is_leased=True)


async def one_by_one(process: Process, times: int, one: Charge) -> int:
    return sum([(await process.count(one)).is_allowed for _ in range(times)])


async def test_most_requests_are_answered_without_asking(start: Start) -> None:
    one = await start()
    assert await one_by_one(one, 500, leased()) == 500
    assert one.metrics.quota_checks["lease",] >= 480


async def test_all_leases_together_never_grant_more_than_the_quota(start: Start) -> None:
    processes = [await start() for _ in range(3)]
    granted = 0
    for _ in range(40):
        granted += sum(await asyncio.gather(*[process.granted(20, leased()) for process in processes]))
    # What others hold in leases is all that may be missing: 33 of 1 000 each, while three are known to live.
    assert 1_000 - 3 * 100 <= granted <= 1_010


async def test_many_first_requests_at_once_take_one_lease(start: Start, redis: OwnRedis) -> None:
    one = await start()
    assert await one.granted(20, leased()) == 20
    with Redis.from_url(redis.url) as client:
        (key,) = client.keys("crossfade:quota:*")
        taken = client.pttl(key) / 600
    assert 119 <= taken <= 121  # the requests, and a tenth of the quota


async def test_an_exact_quota_beside_a_leased_one_is_asked_about(start: Start) -> None:
    one = await start()
    exact = charge(5, name="exact")
    for _ in range(10):
        await one.count(leased(), exact)
    assert await one.granted(5, exact) == 0
    assert one.metrics.quota_checks["lease",] == 0


async def test_a_used_up_quota_refuses_and_says_for_how_long(start: Start) -> None:
    one = await start()
    assert await one_by_one(one, 20, leased(10, window=100.0)) == 10
    refused = await one.count(leased(10, window=100.0))
    assert 1 <= refused.retry_after <= 11


async def test_leases_are_given_up_without_redis(start: Start, redis: OwnRedis) -> None:
    one = await start()
    assert await one_by_one(one, 1, leased(100)) == 1
    redis.kill()
    assert await soon(lambda: one.quotas.mode is Mode.ALONE)
    assert await one.granted(200, leased(100)) == 50
