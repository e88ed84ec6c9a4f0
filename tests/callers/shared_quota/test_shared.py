"""Processes that count together in Redis: exactly, in few calls, and in the words of the policy."""

import asyncio
from collections.abc import Sequence

import pytest
from redis import Redis

from gateway.callers.shared_quota.counter import Mode
from gateway.policy.quota import Charge, QuotaTable
from tests.support.own_redis import OwnRedis
from tests.support.soon import soon

from .conftest import Start, charge


def calls(redis: OwnRedis) -> int:
    """How often scripts were called, by Redis' own count."""
    with Redis.from_url(redis.url) as client:
        stats = client.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("evalsha", "eval"))


async def test_what_one_process_grants_another_does_not(start: Start) -> None:
    one, other = await start(), await start()
    assert [await one.granted(7, charge(10)), await other.granted(7, charge(10)), await one.granted(7, charge(10))] == [
        7,
        3,
        0,
    ]


async def test_many_checks_of_one_turn_of_the_loop_are_one_call(start: Start, redis: OwnRedis) -> None:
    one = await start()
    await one.count(charge(key="warm"))  # loads the script
    before = calls(redis)
    await asyncio.gather(*[one.count(charge(key=f"user-{number}")) for number in range(200)])
    assert calls(redis) - before <= 2  # a heartbeat may come between
    assert one.metrics.quota_checks["redis",] == 201


async def test_a_request_counts_against_all_of_its_quotas_or_none(start: Start) -> None:
    one = await start()
    narrow, wide = charge(2, name="narrow"), charge(5, name="wide")
    assert await one.granted(10, narrow, wide) == 2
    assert await one.granted(10, wide) == 3


@pytest.mark.parametrize("charges", [[charge(10)], [charge(100, name="wide"), charge(3, window=90, name="narrow")]])
async def test_it_says_what_the_table_of_one_process_would(start: Start, charges: Sequence[Charge]) -> None:
    one, table = await start(), QuotaTable()
    for _ in range(12):
        said, expected = await one.count(*charges), table.count(charges, 1_800_000_000.0)
        assert (said.quota.name, said.remaining) == (expected.quota.name, expected.remaining)
        # The clock of the table stands still; ours and Redis' do not.
        assert abs(said.reset - expected.reset) <= 1
        assert abs(said.retry_after - expected.retry_after) <= 1
        assert said.is_allowed == expected.is_allowed


async def test_a_cost_takes_that_many(start: Start) -> None:
    one, costly = await start(), charge(10)
    costly = Charge(costly.quota.costing(4), costly.key)
    assert [await one.granted(5, costly), await one.granted(5, charge(10))] == [2, 2]


async def test_a_refusal_that_is_known_asks_nobody(start: Start, redis: OwnRedis) -> None:
    one = await start()
    await one.granted(10, charge(3))
    before = calls(redis)
    assert await one.granted(1_000, charge(3)) == 0
    assert calls(redis) - before <= 2
    assert one.metrics.quota_checks["memory",] == 1_000


async def test_a_script_that_redis_forgot_is_sent_again(start: Start, redis: OwnRedis) -> None:
    one = await start()
    await one.granted(3, charge(10))
    with Redis.from_url(redis.url) as client:
        client.script_flush()
    assert await one.granted(10, charge(10)) == 7
    assert one.quotas.mode is Mode.SHARED


async def test_keys_expire_with_what_they_owe(start: Start, redis: OwnRedis) -> None:
    one = await start()
    await one.granted(5, charge(10, window=20))
    with Redis.from_url(redis.url) as client:
        (key,) = client.keys("crossfade:quota:*")
        assert 9_000 <= client.pttl(key) <= 10_002


async def test_keys_may_hold_anything(start: Start) -> None:
    one = await start()
    for key in ("用户\r\n$3", "\ud800", "", "a" * 64):
        assert await one.granted(5, charge(2, key=key)) == 2


async def test_a_shadow_is_counted_and_nobody_waits(start: Start) -> None:
    one = await start()
    for _ in range(5):
        one.quotas.observe([charge(2, is_shadow=True)], 1_800_000_000.0)
    assert await one.granted(1, charge(2)) == 0  # sent behind the others
    assert one.metrics.quota_shadowed["burst",] == 3


async def test_the_shares_of_the_living_make_a_whole(start: Start) -> None:
    processes = [await start() for _ in range(3)]
    assert await soon(lambda: all(process.quotas.share == pytest.approx(1 / 3) for process in processes))
