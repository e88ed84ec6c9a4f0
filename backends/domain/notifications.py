"""Messages between processes over Redis Pub/Sub, as JSON objects.

Channels: `notifications:{user}` {"id","user","kind","data","created_at"}; `progress:{task}` and `queue:{user}`, both
{"task_id","user","symbol","analysis_type","status","progress","current_step","message","updated_at"} (domain statuses) at each change of a task.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any


class Notifications:
    async def publish(self, user: str, kind: str, data: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def listen(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """Subscribed once entered; yields each message, with the member "channel" added. Survives Redis reconnects."""
        raise NotImplementedError


def notifications_channel(user: str) -> str:
    return f"notifications:{user}"


def progress_channel(task_id: str) -> str:
    return f"progress:{task_id}"


def queue_channel(user: str) -> str:
    return f"queue:{user}"
