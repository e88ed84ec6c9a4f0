"""Parts of a platform for tests of single areas: a seeded SQLite store, a clock moved by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import hypothesis
import pytest
from redis.asyncio import Redis

from backends.domain.cache import Cache
from backends.domain.lenient import open_redis
from backends.domain.market import Market
from backends.domain.notifications import Notifications
from backends.domain.passwords import Passwords
from backends.domain.queue import TaskQueue
from backends.domain.store import Store, open_store
from tests.backends.moved_clock import MovedClock

# The machines that run this are shared: an example that takes long says nothing about the code.
hypothesis.settings.register_profile("shared-machine", deadline=None)
hypothesis.settings.load_profile("shared-machine")


@dataclass
class Parts:
    """What areas are built from; no runner and no quote service runs."""

    store: Store
    redis: Redis
    clock: MovedClock
    passwords: Passwords
    market: Market
    notifications: Notifications
    queue: TaskQueue


@pytest.fixture
async def parts(seeded_url: str, redis_url: str) -> AsyncIterator[Parts]:
    store, redis, clock, passwords = open_store(seeded_url), open_redis(redis_url), MovedClock(), Passwords()
    market = Market(store, Cache(redis, "stocks", seconds=10), clock, seed=7, interval_seconds=1.0)
    notifications = Notifications(redis, clock)
    yield Parts(store, redis, clock, passwords, market, notifications, TaskQueue(store, market, notifications, clock))
    await store.close()
    await redis.aclose()
