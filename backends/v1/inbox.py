"""What an open stream waits for: messages from Redis, the time for a beat, or the end of the service.

Owns the task that listens, because a wait with a time limit must not interrupt the listening itself. Never drops a
message: a stream that is too slow makes Redis wait, within Redis' own limits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from backends.domain.notifications import Notifications
from backends.domain.tasks import cancel_all, spawn

type Message = dict[str, Any]

CAPACITY = 256


class Inbox:
    """The messages one stream has not sent yet."""

    def __init__(self, beat_seconds: float) -> None:
        self._beat_seconds = beat_seconds
        self._messages: asyncio.Queue[Message] = asyncio.Queue(CAPACITY)

    def __repr__(self) -> str:
        return f"<Inbox: {self._messages.qsize()} waiting>"

    async def fill(self, source: AsyncIterator[Message]) -> None:
        """Listens until the source ends, and closes the inbox then."""
        try:
            async for message in source:
                await self._messages.put(message)
        except asyncio.QueueShutDown:
            return
        finally:
            self.close()

    def close(self) -> None:
        """No message comes any more; what is waiting is still read."""
        self._messages.shutdown()

    async def wait(self) -> list[Message] | None:
        """Whatever has come since the last time; an empty list: a beat is due; none at all: closed."""
        try:
            async with asyncio.timeout(self._beat_seconds):
                first = await self._messages.get()
        except TimeoutError:
            return []
        except asyncio.QueueShutDown:
            return None
        return [first, *self._waiting()]

    def _waiting(self) -> list[Message]:
        return [self._messages.get_nowait() for _ in range(self._messages.qsize())]


class Inboxes:
    """The inboxes of all open streams, so that they can be closed together when the service stops."""

    def __init__(self, notifications: Notifications, *, beat_seconds: float) -> None:
        self._notifications = notifications
        self._beat_seconds = beat_seconds
        self._open: set[Inbox] = set()
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Inboxes: {len(self._open)} open>"

    def __len__(self) -> int:
        return len(self._open)

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator[Inbox]:
        """An inbox that is subscribed to a channel before the block begins."""
        owner: set[asyncio.Task[Any]] = set()
        async with self._notifications.listen(channel) as source:
            inbox = Inbox(self._beat_seconds)
            self._open.add(inbox)
            if self._is_closed:
                inbox.close()
            spawn(inbox.fill(source), name=f"listen {channel}", owner=owner)
            try:
                yield inbox
            finally:
                self._open.discard(inbox)
                await cancel_all(owner)

    async def on_shutdown(self, _: web.Application) -> None:
        """The service stops: ends every open stream, and every later one at once."""
        self._is_closed = True
        for inbox in self._open:
            inbox.close()
