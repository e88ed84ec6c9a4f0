"""Redis as a cache of one area: JSON values that their owner can always reload.

A dead Redis costs time, never an answer.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

from backends.domain.lenient import Lenient


class Cache:
    """Values under a generation; `invalidate` starts a new one, so that an old value is never read again."""

    def __init__(self, redis: Redis, area: str, *, seconds: int) -> None:
        self._redis = redis
        self._area = area
        self._seconds = seconds
        self._lenient = Lenient(f"cached {area}")

    def __repr__(self) -> str:
        return f"<Cache {self._area}: {self._seconds} s, {self._lenient!r}>"

    async def fetch(self, key: str, load: Callable[[], Awaitable[Any]]) -> Any:
        """The cached value, or what `load` gives."""
        # The generation is read before loading: a write that comes meanwhile leaves this value in an old one.
        name = await self._lenient.attempt(self._name(key))
        cached = await self._lenient.attempt(self._redis.get(name)) if name else None
        if cached is not None:
            return json.loads(cached)
        value = await load()
        if name:
            await self._lenient.attempt(self._redis.set(name, json.dumps(value), ex=self._seconds))
        return value

    async def invalidate(self) -> None:
        """Called after a write. Without Redis the old values simply expire."""
        await self._lenient.attempt(self._redis.incr(self._generation))

    @property
    def _generation(self) -> str:
        return f"cache:{self._area}:generation"

    async def _name(self, key: str) -> str:
        generation = int(await self._redis.get(self._generation) or 0)
        return f"cache:{self._area}:{generation}:{key}"
