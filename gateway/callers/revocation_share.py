"""The revocation list in Redis: one hash for all gateways, a push for every change, a comparison now and then.

Nothing is lost with Redis: whoever knows a revocation that Redis does not (it was away, it was emptied) writes it back.
What an operator has withdrawn stays there as withdrawn, so that it does not come back that way.
"""

import asyncio
import logging
import math
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from gateway.callers.redis import client
from gateway.config import schema
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.policy.revocation import MalformedRevocationError, Revocation, RevocationList, load

log = logging.getLogger(__name__)

ENTRIES: Final = "crossfade:revocations"
VERSION: Final = "crossfade:revocations:version"
"""Changes with every change of the entries: comparing costs one small answer as long as nothing has happened."""
PATIENCE_SECONDS: Final = 1.0
"""For one answer of Redis; no request waits for it."""
RESYNC_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.2
FIRST_SYNC_SECONDS: Final = 2.0
BATCH: Final = 500
FAULTS: Final = (RedisError, OSError, TimeoutError)

type Take = Callable[[Iterable[Revocation]], None]


class RedisShare:
    """Owns the connections to Redis and the task that follows it. `take` is given whatever others have changed."""

    def __init__(self, settings: schema.Redis, known: RevocationList, take: Take, clock: Clock) -> None:
        self._redis = client(settings.model_copy(update={"timeout": max(settings.timeout, PATIENCE_SECONDS)}))
        database = self._redis.connection_pool.connection_kwargs.get("db", 0)
        # A channel is heard in all databases of a server.
        self._channel = f"{ENTRIES}:{database}"
        self._known = known
        self._take = take
        self._clock = clock
        self._version: bytes | str | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._tried = asyncio.Event()
        self._is_up: bool | None = None

    def __repr__(self) -> str:
        return f"<RedisShare {self.state}>"

    @property
    def state(self) -> str:
        """Whether Redis is to be had: `up` or `down`."""
        return "up" if self._is_up else "down"

    async def start(self) -> None:
        """Follow Redis; returns when its list is known, or after the first failure to get it."""
        spawn(self._follow(), name="follow revocations", owner=self._tasks)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SYNC_SECONDS):
                await self._tried.wait()

    async def close(self) -> None:
        """End."""
        await cancel_all(self._tasks)
        await self._redis.aclose()

    async def publish(self, one: Revocation) -> bool:
        """Store and push one; where that fails the next comparison does it."""
        try:
            await self._write([one])
        except FAULTS as error:
            self._version = None
            log.warning("revocation %s is not shared yet: %s", one.id, error)
            return False
        return True

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except FAULTS as error:
                self._note(False, str(error))
            self._tried.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        """Subscribe, then compare: what changes in between is pushed. Ends with the connection."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pushed:
            await pushed.subscribe(self._channel)
            self._version = None
            await self._compare()
            self._note(True, "")
            self._tried.set()
            time = asyncio.get_running_loop().time
            due = time() + RESYNC_SECONDS
            while True:
                news = await _pushed(pushed, max(0.0, due - time()))
                if news:
                    self._take(news)
                if time() >= due:
                    await self._compare()
                    due = time() + RESYNC_SECONDS

    async def _compare(self) -> None:
        """Take what Redis knows and we do not, and the other way round."""
        version = await self._redis.get(VERSION)
        if version is not None and version == self._version:
            return
        stored = await self._read()
        self._take(stored.values())
        now = self._clock.now()
        lacking = [one for one in self._known if one.until > now and stored.get(one.id) != one]
        for start in range(0, len(lacking), BATCH):
            await self._write(lacking[start : start + BATCH])
        over = [number for number, one in stored.items() if one.until <= now]
        for start in range(0, len(over), BATCH):
            await self._redis.hdel(ENTRIES, *over[start : start + BATCH])
        # As it was before reading: a change in between makes it differ, and the next comparison reads again.
        self._version = version

    async def _read(self) -> dict[str, Revocation]:
        found: dict[str, Revocation] = {}
        async for _, raw in self._redis.hscan_iter(ENTRIES, count=BATCH):
            for one in _readable([raw]):
                found[one.id] = one
        return found

    async def _write(self, some: Iterable[Revocation]) -> None:
        """Store and push; Redis forgets all of them when the last one is over."""
        raw: dict[Any, Any] = {one.id: one.dump() for one in some}
        last = max((one.until for one in self._known), default=self._clock.now())
        async with self._redis.pipeline(transaction=True) as batch:
            batch.hset(ENTRIES, mapping=raw)
            batch.set(VERSION, secrets.token_hex(8))
            batch.expireat(ENTRIES, math.ceil(last) + 1)
            for text in raw.values():
                batch.publish(self._channel, text)
            await batch.execute()

    def _note(self, is_up: bool, why: str) -> None:
        if is_up is self._is_up:
            return
        self._is_up = is_up
        if is_up:
            log.info("revocations are shared through Redis")
        else:
            log.warning("revocations are not shared, the list stays as it is: %s", why)


async def _pushed(channel: PubSub, seconds: float) -> list[Revocation]:
    """Wait for a push, and take those that have come with it."""
    raws: list[bytes] = []
    message = await channel.get_message(timeout=seconds)
    while message is not None:
        raws.append(message["data"])
        if len(raws) >= BATCH:
            break
        message = await channel.get_message(timeout=0)
    return list(_readable(raws))


def _readable(raws: Iterable[bytes]) -> Iterable[Revocation]:
    for raw in raws:
        try:
            yield load(raw)
        except MalformedRevocationError:
            log.warning("Redis holds a revocation that cannot be read")
