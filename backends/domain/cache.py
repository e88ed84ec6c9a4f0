"""Redis as a cache, and how the domain connects to it. A dead Redis costs time, never an answer.

Owns the client's time-outs and the pause after a failure; the values are JSON texts that their owners can always reload.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 2.0
"""After a failure the cache is left alone that long, so that a hanging Redis does not slow down every call."""


def open_redis(url: str) -> Redis:
    """A client that gives up soon. The one retry replaces a connection that a restarted server has closed."""
    client: Redis = Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=1.0,
        socket_connect_timeout=0.5,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
    )
    return client


class Cache:
    """Values of an area under a generation; `invalidate` starts a new one, so an old value is never read again."""

    def __init__(self, redis: Redis, area: str, *, seconds: int) -> None:
        self._redis = redis
        self._area = area
        self._seconds = seconds
        self._paused_until = 0.0

    def __repr__(self) -> str:
        return f"<Cache {self._area}: {self._seconds} s, {'paused' if self._is_paused() else 'in use'}>"

    async def fetch(self, key: str, load: Callable[[], Awaitable[Any]]) -> Any:
        """The cached value, or what `load` gives. The generation is read first: a write during `load` makes it stale."""
        name = await self._attempt(self._name(key))
        cached = await self._attempt(self._redis.get(name)) if name else None
        if cached is not None:
            return json.loads(cached)
        value = await load()
        if name:
            await self._attempt(self._redis.set(name, json.dumps(value), ex=self._seconds))
        return value

    async def invalidate(self) -> None:
        """Called after a write. Without Redis the old values simply expire."""
        await self._attempt(self._redis.incr(self._generation))

    @property
    def _generation(self) -> str:
        return f"cache:{self._area}:generation"

    async def _name(self, key: str) -> str:
        return f"cache:{self._area}:{await self._redis.get(self._generation) or 0}:{key}"

    async def _attempt[T](self, command: Awaitable[T]) -> T | None:
        if self._is_paused():
            _discard(command)
            return None
        try:
            return await command
        except (RedisError, OSError) as error:
            self._paused_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
            logger.warning("cache %s does without redis for %g s: %s", self._area, PAUSE_SECONDS, error)
            return None

    def _is_paused(self) -> bool:
        return asyncio.get_running_loop().time() < self._paused_until


def _discard(command: Awaitable[Any]) -> None:
    """A coroutine that will not be awaited says so, or the interpreter warns."""
    close = getattr(command, "close", None)
    if close is not None:
        close()
