"""Listening to Redis Pub/Sub through lost connections. Owns one subscription; messages sent meanwhile are lost."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
"""How long one read waits; between two, redis-py checks that the connection still lives."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


class Listener(AsyncIterator[dict[str, Any]]):
    """An endless iterator over the messages of some channels, and its own context manager.

    With `are_patterns` each channel is a glob pattern, for who follows everything at once.
    """

    def __init__(self, redis: Redis, channels: Sequence[str], *, are_patterns: bool = False) -> None:
        self._redis = redis
        self._channels = channels
        self._are_patterns = are_patterns
        self._subscription: PubSub | None = None
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def __repr__(self) -> str:
        return f"<Listener {', '.join(self._channels)}: {'subscribed' if self._subscription else 'not subscribed'}>"

    async def __aenter__(self) -> Self:
        try:
            await self._subscribed()
        except (RedisError, OSError) as error:
            await self._lose(error)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._drop()

    async def __anext__(self) -> dict[str, Any]:
        while True:
            try:
                subscription = await self._subscribed()
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=WAIT_SECONDS)
            except (RedisError, OSError) as error:
                await self._lose(error)
                await self._pause()
            else:
                if message is not None and message["type"] in {"message", "pmessage"}:
                    return {**json.loads(message["data"]), "channel": message["channel"]}

    async def _subscribed(self) -> PubSub:
        """The subscription, confirmed by the server, so that nothing sent from now on is missed."""
        if self._subscription is None:
            self._subscription = await self._subscribe()
            self._pause_seconds = FIRST_PAUSE_SECONDS
        return self._subscription

    async def _subscribe(self) -> PubSub:
        """A fresh subscription; one that fails or is cancelled halfway gives its connection back."""
        subscription = self._redis.pubsub()
        subscribe = subscription.psubscribe if self._are_patterns else subscription.subscribe
        try:
            await subscribe(*self._channels)
            for _ in self._channels:
                await subscription.get_message(timeout=WAIT_SECONDS)
        except BaseException:
            await _close(subscription)
            raise
        return subscription

    async def _lose(self, error: Exception) -> None:
        logger.warning("%r lost redis: %s", self, error)
        await self._drop()

    async def _pause(self) -> None:
        await asyncio.sleep(self._pause_seconds)
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)

    async def _drop(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await _close(subscription)


async def _close(subscription: PubSub) -> None:
    await subscription.aclose()  # type: ignore[no-untyped-call]
