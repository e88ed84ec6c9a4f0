"""How gateways see each other's traffic: each writes its slots to Redis and reads the others'."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.control.window import SLOT_SECONDS, Window, slot_start
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, repeat, spawn

log = logging.getLogger(__name__)

KEY: Final = "crossfade:window:"
SHARE_SECONDS: Final = 2.0
RECENT_SLOTS: Final = 3
"""Slots that may still grow: the one of now, and those whose last reports are on their way."""
REACH_SECONDS: Final = 7_200
"""How far back a gateway that starts, or has been without Redis, reads; and how long slots are kept there."""
PAGE: Final = 100


class WindowShare:
    """Owns the exchange of one window's slots. Without Redis every gateway judges by its own traffic alone.

    `source` names this start of this process. It never waits for Redis longer than the client does.
    """

    def __init__(self, window: Window, redis: Redis | None, source: str, clock: Clock) -> None:
        self._window = window
        self._redis = redis
        self._source = source
        self._clock = clock
        self._read_until = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self.is_up = False

    def __repr__(self) -> str:
        return f"<WindowShare of {self._source}, {'up' if self.is_up else 'away'}>"

    def start(self) -> None:
        """Exchange slots from now on, where there is a Redis."""
        if self._redis is not None:
            spawn(
                repeat(partial(self._try, self._redis), lambda: SHARE_SECONDS), name="share windows", owner=self._tasks
            )

    async def close(self) -> None:
        """Exchange no more; may be called again."""
        await cancel_all(self._tasks)
        if self._redis is not None:
            await self._redis.aclose()

    async def exchange(self, redis: Redis) -> None:
        """Write what may have grown and read what others wrote; raises RedisError and OSError."""
        newest = slot_start(self._clock.now())
        recent = [newest - SLOT_SECONDS * back for back in range(RECENT_SLOTS)]
        await self._write(redis, recent)
        first = max(newest - REACH_SECONDS, min(self._read_until, recent[-1]))
        starts = range(first, newest + 1, SLOT_SECONDS)
        for at in range(0, len(starts), PAGE):
            await self._take(redis, starts[at : at + PAGE])
        self._read_until = newest

    async def _try(self, redis: Redis) -> None:
        try:
            await self.exchange(redis)
        except (RedisError, OSError) as error:
            self._note(is_up=False, why=str(error))
        else:
            self._note(is_up=True)

    async def _write(self, redis: Redis, starts: Iterable[int]) -> None:
        async with redis.pipeline(transaction=False) as pipeline:
            for start in starts:
                text = self._window.text(start)
                if text is not None:
                    pipeline.hset(f"{KEY}{start}", self._source, text)
                    pipeline.expire(f"{KEY}{start}", REACH_SECONDS)
            await pipeline.execute()

    async def _take(self, redis: Redis, starts: Iterable[int]) -> None:
        asked = list(starts)
        async with redis.pipeline(transaction=False) as pipeline:
            for start in asked:
                pipeline.hgetall(f"{KEY}{start}")
            answers = await pipeline.execute()
        for start, slots in zip(asked, answers, strict=True):
            self._adopt(start, slots)

    def _adopt(self, start: int, slots: Mapping[bytes, bytes]) -> None:
        for source, text in slots.items():
            name = source.decode(errors="replace")
            if name == self._source:
                continue
            try:
                self._window.replace(name, start, text.decode())
            except ValueError:
                log.warning("a window of %s cannot be read; is it a gateway of another version?", name)

    def _note(self, *, is_up: bool, why: str = "") -> None:
        if is_up is not self.is_up:
            self.is_up = is_up
            if not is_up:
                log.warning("Redis is away: rollouts are judged by this gateway's own traffic: %s", why)
