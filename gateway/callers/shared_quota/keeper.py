"""The connection to Redis: made, kept, made again, and asked now and then whether it answers in time."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from gateway.callers.shared_quota.link import Link, RedisError, Reply, asked, dial
from gateway.callers.shared_quota.script import BEAT, MEMBER_SECONDS, MEMBERS, command
from gateway.config import schema
from gateway.core.tasks import cancel_all, spawn

log = logging.getLogger(__name__)

BEAT_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 0.1
"""How often Redis is asked while it is out of use."""
DIAL_SECONDS: Final = 1.0
"""For a whole connection. No request waits for it, so it may take longer than one answer."""
HUNG_SECONDS: Final = 2.0
"""After so long without an answer a connection is given up."""
PEAK_SECONDS: Final = 30.0
"""How long the highest number of processes seen counts: an emptied Redis has forgotten all but the first who return."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told: of a connection, of its end, and of a timely answer with the number of living processes."""

    on_link: Callable[[Link], None]
    on_lost: Callable[[], None]
    on_beat: Callable[[int], None]
    is_in_use: Callable[[], bool]


class Keeper:
    """Owns the connection, one task, and this process's place among the living. It never decides who uses Redis."""

    def __init__(self, settings: schema.Redis, watcher: Watcher) -> None:
        self._settings = settings
        self._watcher = watcher
        self._name = secrets.token_hex(8).encode()
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._link: Link | None = None
        self._asked_at: float | None = None
        self._complaint = ""
        self._seen: deque[tuple[float, int]] = deque()

    def __repr__(self) -> str:
        return f"<Keeper {self._link!r}>"

    def start(self) -> None:
        """Begin to connect."""
        spawn(self._run(), name="keep the connection to Redis", owner=self._tasks)

    async def close(self) -> None:
        """Leave the living, if that can be said soon, and close."""
        await cancel_all(self._tasks)
        link, self._link = self._link, None
        if link is not None and link.is_open:
            with suppress(TimeoutError, RedisError):
                async with asyncio.timeout(self._settings.timeout):
                    await asked(link, command(b"ZREM", MEMBERS, self._name))
            link.close()

    def hurry(self) -> None:
        """Ask at once whether Redis answers."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(DIAL_SECONDS):
                    link = await dial(self._settings.url, self.hurry)
            except (OSError, RedisError, ValueError) as error:
                self._complain(error)
                await asyncio.sleep(PROBE_SECONDS)
                continue
            self._link, self._asked_at, self._complaint = link, None, ""
            self._watcher.on_link(link)
            await self._beat_until_lost(link)
            self._watcher.on_lost()

    def _complain(self, error: Exception) -> None:
        """Write each reason once, not ten times a second."""
        complaint = str(error) or type(error).__name__
        if complaint != self._complaint:
            self._complaint = complaint
            log.warning("Redis cannot be used: %s", complaint)

    async def _beat_until_lost(self, link: Link) -> None:
        while link.is_open:
            self._wake.clear()
            self._beat(link)
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS if self._watcher.is_in_use() else PROBE_SECONDS):
                    await self._wake.wait()

    def _beat(self, link: Link) -> None:
        now = self._loop.time()
        if self._asked_at is None:
            self._asked_at = now
            self._send(link, now)
        elif now - self._asked_at > HUNG_SECONDS:
            link.close()

    def _send(self, link: Link, asked_at: float, *, with_text: bool = False) -> None:
        words = BEAT.call([_members()], self._name, b"%d" % MEMBER_SECONDS, with_text=with_text)
        link.send(words, lambda reply: self._on_reply(link, asked_at, reply, with_text=with_text))

    def _on_reply(self, link: Link, asked_at: float, reply: Reply, *, with_text: bool) -> None:
        if isinstance(reply, RedisError) and str(reply).startswith("NOSCRIPT") and not with_text:
            self._send(link, asked_at, with_text=True)
            return
        self._asked_at = None
        if isinstance(reply, RedisError):
            log.debug("Redis answers %s", reply)
            return
        now = self._loop.time()
        alive = self._peak(now, int(reply))
        if now - asked_at <= self._settings.timeout:
            self._watcher.on_beat(alive)

    def _peak(self, now: float, alive: int) -> int:
        self._seen.append((now, alive))
        while self._seen[0][0] < now - PEAK_SECONDS:
            self._seen.popleft()
        return max(count for _, count in self._seen)


def _members() -> bytes:
    return b"$%d\r\n%b\r\n" % (len(MEMBERS), MEMBERS)
