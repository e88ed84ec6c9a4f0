"""What waits to be written to one socket: bounded, and of each quote only the newest.

Never blocks whoever puts something in; it only tells when there is no room left.
"""

import asyncio
from collections import deque

from backends.v2.ws.frame import Push, Topic

CAPACITY = 256
"""Frames that may wait, quotes not counted: of those there is at most one a symbol."""


class Outbox:
    """A queue for one reader. Quotes are overwritten in place, so a slow client gets the newest and misses the rest."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._frames: deque[bytes] = deque()
        self._quotes: dict[Topic, bytes] = {}
        self._filled = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Outbox: {len(self._frames)} frames, {len(self._quotes)} quotes>"

    def put(self, frame: bytes) -> bool:
        """Adds a frame that must not be lost; False: there is no room."""
        if len(self._frames) >= self._capacity:
            return False
        self._frames.append(frame)
        self._filled.set()
        return True

    def push(self, push: Push) -> bool:
        """Adds a push; a quote takes the place of the one that waits."""
        if push.topic.channel != "quotes":
            return self.put(push.body)
        self._quotes[push.topic] = push.body
        self._filled.set()
        return True

    def forget(self, topic: Topic) -> None:
        """Drops the quote that waits for a topic nobody wants any more."""
        self._quotes.pop(topic, None)

    async def take(self) -> bytes:
        """The next frame: answers and events in their order, then quotes in the order of their first change."""
        while not self._frames and not self._quotes:
            self._filled.clear()
            await self._filled.wait()
        if self._frames:
            return self._frames.popleft()
        return self._quotes.pop(next(iter(self._quotes)))
