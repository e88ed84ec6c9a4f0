"""One open socket: reads commands, answers them, and writes what the hub hands over.

Owns the socket's two halves. A slow reader costs its own socket and nobody else: pushes go to a bounded outbox, and one
that is full ends the session.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from backends.domain.accounts import Claims
from backends.domain.clock import Clock
from backends.domain.errors import Fault
from backends.domain.tasks import cancel_all, spawn
from backends.v2.ws.command import CommandError, NotificationsSubscription, Ping, Subscription, parse
from backends.v2.ws.entry import Entry, acting_user
from backends.v2.ws.frame import Push, Refusal, Topic, ack, error, pong
from backends.v2.ws.hub import Hub
from backends.v2.ws.outbox import Outbox

logger = logging.getLogger(__name__)

CLOSING_SECONDS = 2.0
"""How long a client may take to answer the closing frame before its connection is cut."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the server ends a session: the closing frame's code and text."""

    code: int
    reason: str


EXPIRED = Ending(4401, "token expired")
SLOW = Ending(4508, "slow consumer")
GOING_AWAY = Ending(1001, "going away")


class Session:
    """One socket of one caller; lives until the client leaves, its token expires, or the process stops."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        claims: Claims,
        *,
        hub: Hub,
        entry: Entry,
        clock: Clock,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._claims = claims
        self._hub = hub
        self._entry = entry
        self._clock = clock
        self._outbox = Outbox()
        self._held_back: dict[Topic, list[Push]] = {}
        self._ending = EXPIRED
        self._lifetime = asyncio.timeout(claims.exp - clock.now().timestamp())

    def __repr__(self) -> str:
        return f"<Session of {self._claims.sub}: {self._outbox!r}>"

    async def run(self) -> None:
        """Serves the socket to its end."""
        tasks: set[asyncio.Task[Any]] = set()
        try:
            async with self._lifetime:
                self._hub.join(self)
                spawn(self._write(), name=f"v2 socket of {self._claims.sub}", owner=tasks)
                await self._read()
        except TimeoutError:
            if not self._lifetime.expired():
                raise
            self._hub.part(self)
            await cancel_all(tasks)
            await self._close()
        finally:
            self._hub.part(self)
            await cancel_all(tasks)

    def deliver(self, push: Push) -> None:
        """Takes a push; one that comes while its subscription is being answered waits for the answer."""
        if push.topic in self._held_back:
            self._held_back[push.topic].append(push)
        elif not self._outbox.push(push):
            self._end(SLOW)

    def leave(self) -> None:
        """Told to go, because the process stops."""
        self._end(GOING_AWAY)

    def _end(self, ending: Ending) -> None:
        if self._ending is not EXPIRED or self._lifetime.expired():
            return
        logger.info("%r ends: %s", self, ending.reason)
        self._ending = ending
        self._lifetime.reschedule(0)

    async def _close(self) -> None:
        """Says why, then cuts the connection if the client does not read it."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._socket.close(code=self._ending.code, message=self._ending.reason.encode())
        except TimeoutError:
            logger.info("%r did not answer the closing frame", self)
            if self._transport is not None:
                self._transport.abort()

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send_frame(await self._outbox.take(), WSMsgType.TEXT)
        except ConnectionResetError:
            logger.debug("%r lost its connection", self)

    async def _read(self) -> None:
        async for message in self._socket:
            match message.type:
                case WSMsgType.TEXT:
                    await self._obey(message.data)
                case WSMsgType.BINARY:
                    self._refuse(CommandError(None, "VALIDATION_ERROR", "the frame must be text"))
                case _:
                    return

    async def _obey(self, text: str) -> None:
        try:
            command = parse(text)
        except CommandError as problem:
            self._refuse(problem)
            return
        try:
            await self._answer(command)
        except Exception:
            logger.exception("%r: a command failed", self)
            self._refuse(CommandError(command.id, "INTERNAL_ERROR", "internal error"))

    async def _answer(self, command: Ping | Subscription) -> None:
        if isinstance(command, Ping):
            self._say(pong(command.id, self._clock.now()))
        elif command.data.action == "unsubscribe":
            self._unsubscribe(command)
        else:
            await self._subscribe(command)

    def _unsubscribe(self, command: Subscription) -> None:
        topics, refused = self._topics(command)
        for topic in topics:
            self._hub.unsubscribe(self, topic)
            self._outbox.forget(topic)
        members = [topic.member for topic in topics]
        self._say(ack(command, self._clock.now(), unsubscribed=members, refused=refused))

    async def _subscribe(self, command: Subscription) -> None:
        """Subscribes first and looks up the state then, so that nothing falls in between."""
        topics, refused = self._topics(command)
        try:
            for topic in topics:
                reason = await self._enter(topic, command.data.on_behalf_of)
                if reason is not None:
                    refused.append(Refusal(topic.member, reason))
            failed = {refusal.member for refusal in refused}
            members = [topic.member for topic in topics if topic.member not in failed]
            self._say(ack(command, self._clock.now(), subscribed=members, refused=refused))
        finally:
            self._release()

    async def _enter(self, topic: Topic, on_behalf_of: str | None) -> str | None:
        """Holds the topic's pushes back until the right to them is clear; the reason if there is none."""
        was_held = self._hub.is_subscribed(self, topic)
        self._held_back[topic] = []
        self._hub.subscribe(self, topic)
        try:
            state = await self._entry.state(topic, self._claims, on_behalf_of)
        except Fault as fault:
            self._withdraw(topic, was_held=was_held)
            return fault.reason
        except Exception:
            logger.exception("%r: a subscription failed", self)
            self._withdraw(topic, was_held=was_held)
            return "internal error"
        if state is not None and not self._held_back[topic]:
            self._held_back[topic].append(state)
        return None

    def _withdraw(self, topic: Topic, *, was_held: bool) -> None:
        """A user's no must not take a topic from the others that a service holds it for."""
        if not was_held:
            del self._held_back[topic]
            self._hub.unsubscribe(self, topic)

    def _release(self) -> None:
        held_back, self._held_back = self._held_back, {}
        for topic, pushes in held_back.items():
            for push in pushes:
                self.deliver(push)
            if any(push.is_last for push in pushes):
                self._hub.unsubscribe(self, topic)

    def _topics(self, command: Subscription) -> tuple[list[Topic], list[Refusal]]:
        """The topics a command names, each once, and what is refused before anybody looks."""
        if not isinstance(command, NotificationsSubscription):
            return [Topic(command.channel, member) for member in dict.fromkeys(command.data.members)], []
        try:
            user = acting_user(self._claims, command.data.on_behalf_of)
        except Fault as fault:
            return [], [Refusal(command.data.on_behalf_of or self._claims.sub, fault.reason)]
        return [Topic("notifications", user)], []

    def _refuse(self, problem: CommandError) -> None:
        self._say(error(problem, self._clock.now()))

    def _say(self, frame: bytes) -> None:
        if not self._outbox.put(frame):
            self._end(SLOW)
