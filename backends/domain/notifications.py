"""Messages between processes over Redis Pub/Sub, as JSON objects.

Channels: `notifications:{user}` with `id, user, kind, data, created_at`; `progress:{task}` and `queue:{user}`, both
with `task_id, user, symbol, analysis_type, status, progress, current_step, message, updated_at` at each change.
What nobody listens to is lost; the store has the truth.
"""

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from redis.asyncio import Redis

from backends.domain.clock import Clock, iso
from backends.domain.lenient import Lenient
from backends.domain.listening import Listener


def notifications_channel(user: str) -> str:
    """A user's notifications."""
    return f"notifications:{user}"


def progress_channel(task_id: str) -> str:
    """One task's progress."""
    return f"progress:{task_id}"


def queue_channel(user: str) -> str:
    """The progress of all of a user's tasks."""
    return f"queue:{user}"


class Notifications:
    """Publishes and listens. Publishing never fails its caller: without Redis a message is lost, which is logged."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._lenient = Lenient("notifications")

    def __repr__(self) -> str:
        return f"<Notifications {self._lenient!r}>"

    async def publish(self, user: str, kind: str, data: Mapping[str, Any]) -> None:
        """Notifies one user."""
        message = {
            "id": uuid.uuid4().hex,
            "user": user,
            "kind": kind,
            "data": dict(data),
            "created_at": iso(self._clock.now()),
        }
        await self.send(notifications_channel(user), message)

    async def send(self, channel: str, message: Mapping[str, Any]) -> None:
        """Sends a message to whoever listens to the channel now."""
        await self._lenient.attempt(self._redis.publish(channel, json.dumps(message, ensure_ascii=False)))

    def listen(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """Subscribed once entered; then each message, with the member `channel` added. Survives a lost Redis."""
        return Listener(self._redis, channels)

    def listen_matching(self, *patterns: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """The same for every channel that fits a glob pattern: one subscription for who serves many users."""
        return Listener(self._redis, patterns, are_patterns=True)
