"""The legacy side's server-sent events as a source: one stream for each topic, read in the name of its user.

v1 has no socket that many topics share, so this costs it a connection for each topic that is still its own; that ends
as the migration's percent rises.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson

from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.realtime.family import Address
from gateway.realtime.feed import LOST, Endpoints, origin, session
from gateway.realtime.port import Code, FeedState
from gateway.realtime.shape import LEGACY_EVENTS
from gateway.realtime.source import Grant, Listening, Refusal, Update

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 60.0
"""v1 sends a comment every 15 s: a stream that is silent for so long is dead."""
LAST: Final = frozenset({"analysis_complete", "analysis_failed"})
FINAL_REFUSALS: Final = {401: Code.PERMISSION_DENIED, 403: Code.PERMISSION_DENIED, 404: Code.UPSTREAM_REJECTED}

type Key = tuple[str, str | None]
type ShapeOf = Callable[[str], Callable[[str, Any], Any]]
"""Finds who makes v2's data of v1's, for a topic."""


class RefusedError(Exception):
    """The legacy side said no."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.reason)
        self.code = code


class LegacyStreams:
    """Owns one stream for each topic; a second user's right to it is found out by opening it and closing it again."""

    def __init__(
        self,
        name: str,
        endpoints: Endpoints,
        token: Callable[[str | None], str],
        shape: ShapeOf,
        clock: Clock,
        chance: Random,
    ) -> None:
        self.name = name
        self.shape = shape
        self._endpoints = endpoints
        self._token = token
        self._clock = clock
        self._chance = chance
        self._hub: Listening | None = None
        self._streams: dict[str, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._since = clock.now()
        self._last_message_at: float | None = None

    def __repr__(self) -> str:
        return f"<LegacyStreams {self.name}: {len(self._streams)}>"

    @property
    def is_started(self) -> bool:
        """Whether it was told to begin."""
        return self._hub is not None

    @property
    def is_up(self) -> bool:
        """Whether it can be asked: each stream stands or falls by itself."""
        return self._hub is not None

    @property
    def state(self) -> FeedState:
        """How it stands."""
        heard = round(self._last_message_at * 1000) if self._last_message_at is not None else None
        return FeedState(self.name, "up" if self.is_up else "down", round(self._since * 1000), heard)

    def start(self, hub: Listening) -> None:
        """Be ready."""
        self._hub = hub

    async def close(self) -> None:
        """End every stream; may be called again."""
        self._hub = None
        await cancel_all(self._tasks)

    def subscribe(self, address: Address, user: str | None) -> None:
        """Open the topic's stream, or find out whether this user might."""
        if self._hub is None:
            return
        if address.topic in self._streams:
            spawn(self._check(self._hub, address, user), name=f"may read {address.topic}", owner=self._tasks)
            return
        task = spawn(self._follow(self._hub, address, user), name=f"follow {address.topic}", owner=self._tasks)
        self._streams[address.topic] = task
        task.add_done_callback(lambda _: self._end(address.topic, task))

    def unsubscribe(self, address: Address, user: str | None) -> None:
        """Close the topic's stream."""
        task = self._streams.pop(address.topic, None)
        if task is not None:
            task.cancel()

    def _end(self, topic: str, task: asyncio.Task[Any]) -> None:
        if self._streams.get(topic) is task:
            del self._streams[topic]

    async def _check(self, hub: Listening, address: Address, user: str | None) -> None:
        try:
            async with session(self._endpoint(0)) as web, await self._open(web, address, user):
                hub.confirmed(self, (Grant(address.topic, user),))
        except RefusedError as refusal:
            hub.refused(self, (Refusal(address.topic, user, refusal.code),))
        except LOST:
            hub.refused(self, (Refusal(address.topic, user, Code.UPSTREAM_UNAVAILABLE),))

    async def _follow(self, hub: Listening, address: Address, user: str | None) -> None:
        """Read the stream to its end, and again after each break."""
        pause, attempt = FIRST_PAUSE_SECONDS, 0
        while True:
            is_open = False
            try:
                async with session(self._endpoint(attempt)) as web, await self._open(web, address, user) as response:
                    is_open, pause = True, FIRST_PAUSE_SECONDS
                    hub.confirmed(self, (Grant(address.topic, user),))
                    if await self._read(hub, address, response):
                        return
            except RefusedError as refusal:
                hub.refused(self, (Refusal(address.topic, user, refusal.code),))
                return
            except LOST as error:
                log.info("the stream of %s from %s: %s", address.topic, self.name, str(error) or type(error).__name__)
            if is_open:
                hub.fallen(self, (address.topic,))
            else:
                hub.refused(self, (Refusal(address.topic, user, Code.UPSTREAM_UNAVAILABLE),))
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))
            pause, attempt = min(pause * 2, LONGEST_PAUSE_SECONDS), attempt + 1

    def _endpoint(self, attempt: int) -> str:
        endpoints = self._endpoints()
        if not endpoints:
            raise ValueError("it is not configured any more")
        return endpoints[attempt % len(endpoints)]

    async def _open(self, web: aiohttp.ClientSession, address: Address, user: str | None) -> aiohttp.ClientResponse:
        """Open a stream; raises RefusedError, and LOST where it may be tried again."""
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {self._token(user)}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        url = origin(self._endpoint(0)) + _path(address)
        response = await web.get(url, headers=headers, timeout=timeout, allow_redirects=False)
        if response.status != 200:
            response.close()
            code = FINAL_REFUSALS.get(response.status)
            if code is not None:
                raise RefusedError(code)
            raise ValueError(f"answered {response.status}")
        return response

    async def _read(self, hub: Listening, address: Address, response: aiohttp.ClientResponse) -> bool:
        """Pass on what comes, what came together together; return whether it was all there will be."""
        shape = self.shape(address.topic)
        async for events in _events(response.content):
            now = self._last_message_at = self._clock.now()
            updates = []
            for name, data in events:
                kind = LEGACY_EVENTS.get(name, name)
                shaped = orjson.dumps(shape(kind, orjson.loads(data)))
                updates.append(Update(address.topic, kind, shaped, round(now * 1000), kind in LAST))
            hub.publish(self, updates)
            if updates and updates[-1].is_last:
                return True
        return False


def _path(address: Address) -> str:
    path = address.family.legacy or ""
    for name, value in address.family.values(address.topic).items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[list[tuple[str, bytes]]]:
    """Yield the events of each read; comments, ids and unknown fields say nothing here."""
    rest = b""
    async for data in content.iter_any():
        *blocks, rest = (rest + data.replace(b"\r\n", b"\n")).split(b"\n\n")
        events = [event for block in blocks if (event := _event(block)) is not None]
        if events:
            yield events


def _event(block: bytes) -> tuple[str, bytes] | None:
    name, data = "message", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        text = value.removeprefix(b" ")
        if field == b"event":
            name = text.decode(errors="replace")
        elif field == b"data":
            data.append(text)
    return (name, b"\n".join(data)) if data else None
