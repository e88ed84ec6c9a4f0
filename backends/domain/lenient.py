"""Redis where it is welcome but not needed: the client, and commands that may fail without failing the call."""

import logging
import time
from collections.abc import Awaitable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 2.0
"""After a failure Redis is left alone that long, so that a hanging one does not slow down every call."""

CONNECTIONS = 10_000
"""Bound of the pool, as high as a Redis' own: each open stream of v1 holds one, and must not take a call's."""


def open_redis(url: str) -> Redis:
    """A client that gives up soon. The one retry, for closed connections only, replaces what a restart has cut."""
    client: Redis = Redis.from_url(
        url,
        decode_responses=True,
        max_connections=CONNECTIONS,
        socket_timeout=1.0,
        socket_connect_timeout=0.5,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1, supported_errors=(LostConnectionError,)),
    )
    return client


class Lenient:
    """Runs commands of one user of Redis. A failure is logged once and answered with None, then comes the pause."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._paused_until = 0.0

    def __repr__(self) -> str:
        return f"<Lenient {self._owner}: {'paused' if self._is_paused() else 'in use'}>"

    async def attempt[T](self, command: Awaitable[T]) -> T | None:
        """What the command answers; None if Redis cannot be reached."""
        if self._is_paused():
            _discard(command)
            return None
        try:
            return await command
        except (RedisError, OSError) as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("%s do without redis for %g s: %s", self._owner, PAUSE_SECONDS, error)
            return None

    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until


def _discard(command: Awaitable[Any]) -> None:
    """A coroutine that nobody awaits must be closed, or the interpreter warns."""
    close = getattr(command, "close", None)
    if close is not None:
        close()
