"""The one WebSocket to an upstream that all of a process's clients share, speaking `tacn.v2` as a service.

Whatever one read of the socket brings is published together. A loss is told to the hub at once and mended with growing,
jittered pauses; the hub then asks for everything again.
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Any, Final

import aiohttp
import orjson

from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.realtime.conversation import Command, Conversation, Question, read
from gateway.realtime.family import Address
from gateway.realtime.port import FeedState
from gateway.realtime.source import Listening, Update

log = logging.getLogger(__name__)

DIALECT: Final = "tacn.v2"
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 15.0
LARGEST_FRAME: Final = 1 << 20
LOST: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)

type Endpoints = Callable[[], tuple[str, ...]]
"""Where the upstream is now: `http://host:port`, `https://…` or `unix:/path`."""


class Feed:
    """Owns one connection and its reconnecting. It remembers no topics: what is wanted is the hub's affair.

    `token` is asked for at each connection.
    """

    def __init__(
        self, name: str, path: str, endpoints: Endpoints, token: Callable[[], str], clock: Clock, chance: Random
    ) -> None:
        self.name = name
        self._path = path
        self._endpoints = endpoints
        self._token = token
        self._clock = clock
        self._chance = chance
        self._hub: Listening | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._conversation = Conversation()
        self._questions: list[Question] = []
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._updates: list[Update] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._attempts = 0
        self._since = clock.now()
        self._last_message_at: float | None = None

    def __repr__(self) -> str:
        return f"<Feed {self.name}: {'up' if self.is_up else 'down'}, {self._attempts} attempts>"

    @property
    def is_started(self) -> bool:
        """Whether it was told to begin."""
        return self._hub is not None

    @property
    def is_up(self) -> bool:
        """Whether the connection stands."""
        return self._socket is not None

    @property
    def state(self) -> FeedState:
        """How it stands, since when."""
        heard = round(self._last_message_at * 1000) if self._last_message_at is not None else None
        return FeedState(self.name, "up" if self.is_up else "down", round(self._since * 1000), heard)

    def start(self, hub: Listening) -> None:
        """Connect, and stay connected."""
        self._hub = hub
        spawn(self._run(hub), name=f"feed {self.name}", owner=self._tasks)

    async def close(self) -> None:
        """Disconnect; may be called again."""
        await cancel_all(self._tasks)

    def subscribe(self, address: Address, user: str | None) -> None:
        """Ask for a topic."""
        self._put(Question("subscribe", address, user))

    def unsubscribe(self, address: Address, user: str | None) -> None:
        """Want a topic no more."""
        self._put(Question("unsubscribe", address, user))

    def _put(self, question: Question) -> None:
        """Collect what is asked in one turn of the loop: it goes out in as few commands as possible."""
        if self._socket is None:
            return
        if not self._questions:
            asyncio.get_running_loop().call_soon(self._ask)
        self._questions.append(question)

    def _ask(self) -> None:
        questions, self._questions = self._questions, []
        for command in self._conversation.ask(questions, round(self._clock.now() * 1000)):
            self._commands.put_nowait(command)

    # ------------------------------------------------------------------ the connection

    async def _run(self, hub: Listening) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._serve(hub)
                pause = FIRST_PAUSE_SECONDS
            except LOST as error:
                level = logging.WARNING if pause == FIRST_PAUSE_SECONDS else logging.DEBUG
                log.log(level, "no feed from %s: %s", self.name, str(error) or type(error).__name__)
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _serve(self, hub: Listening) -> None:
        """Serve one connection to its end; raises LOST when there is none to be had."""
        endpoints = self._endpoints()
        if not endpoints:
            raise ValueError("it is not configured any more")
        endpoint = endpoints[self._attempts % len(endpoints)]
        self._attempts += 1
        async with session(endpoint) as web:
            async with asyncio.timeout(CONNECT_SECONDS):
                socket = await web.ws_connect(
                    origin(endpoint) + self._path,
                    protocols=(DIALECT,),
                    headers={"Authorization": f"Bearer {self._token()}"},
                    heartbeat=HEARTBEAT_SECONDS,
                    max_msg_size=LARGEST_FRAME,
                    compress=0,
                )
            writing: set[asyncio.Task[Any]] = set()
            try:
                self._turn(socket)
                log.info("the feed from %s is up (%s)", self.name, endpoint)
                spawn(self._write(socket), name=f"feed {self.name} asks", owner=writing)
                hub.risen(self)
                await self._read(hub, socket)
            finally:
                self._publish(hub)
                self._turn(None)
                hub.fallen(self)
                await cancel_all(writing)
                await socket.close()

    def _turn(self, socket: aiohttp.ClientWebSocketResponse | None) -> None:
        """Begin or end a connection; nothing of the one before is left."""
        self._socket = socket
        self._since = self._clock.now()
        self._conversation = Conversation()
        self._commands = asyncio.Queue()
        self._questions = []

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            while True:
                command = await self._commands.get()
                await socket.send_str(command.frame)
        except ConnectionError:
            log.debug("the feed from %s went while it was asked", self.name)

    async def _read(self, hub: Listening, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Read to the end. While more is buffered `receive` does not wait, so what came together is together here."""
        while True:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                log.info("the feed from %s ended: %s %s", self.name, message.type.name, message.data)
                return
            self._take(hub, message.data)

    def _take(self, hub: Listening, text: str) -> None:
        frame = orjson.loads(text)
        if not isinstance(frame, dict):
            return
        self._last_message_at = self._clock.now()
        if frame.get("type") in {"ack", "error"}:
            self._publish(hub)
            self._hear(hub, frame)
            return
        update = read(frame)
        if update is not None:
            if not self._updates:
                asyncio.get_running_loop().call_soon(self._publish, hub)
            self._updates.append(update)

    def _hear(self, hub: Listening, frame: dict[str, Any]) -> None:
        answer = self._conversation.answered(frame)
        if answer.grants:
            hub.confirmed(self, answer.grants)
        if answer.refusals:
            hub.refused(self, answer.refusals)
        for command in self._conversation.ask_singly(answer.again, round(self._clock.now() * 1000)):
            self._commands.put_nowait(command)

    def _publish(self, hub: Listening) -> None:
        updates, self._updates = self._updates, []
        if updates:
            hub.publish(self, updates)


def session(endpoint: str) -> aiohttp.ClientSession:
    """Return a client for one endpoint, also for `unix:/path`; it keeps no cookies and obeys no environment."""
    connector = aiohttp.UnixConnector(endpoint.removeprefix("unix:")) if endpoint.startswith("unix:") else None
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


def origin(endpoint: str) -> str:
    """Return what an endpoint's URLs begin with."""
    return "http://localhost" if endpoint.startswith("unix:") else endpoint
