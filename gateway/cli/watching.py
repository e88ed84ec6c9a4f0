"""What `crossfade watch` does: follow topics through any number of connections, and miss nothing that can be had.

Owns the positions of the topics. It prints nothing itself: messages go to one callable, remarks to another.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

import aiohttp
import orjson

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
OVERRUN: Final = 2500
"""From this code on, whoever was unsubscribed may subscribe again."""


class WatchError(Exception):
    """It makes no sense to go on; the message is for the user."""


class Watcher:
    """Follows topics until all are complete. `positions` are epoch and offset by topic, as they are in messages."""

    def __init__(
        self,
        url: str,
        token: str,
        topics: Sequence[str],
        show: Callable[[Mapping[str, Any]], None],
        remark: Callable[[str], None],
        chance: Random,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._url = url
        self._token = token
        self._wanted = list(topics)
        self._show = show
        self._remark = remark
        self._chance = chance
        self._tls = tls
        self._pause = FIRST_PAUSE_SECONDS
        self._names: dict[str, str] = {}
        self.positions: dict[str, tuple[str, int]] = {}

    def __repr__(self) -> str:
        return f"<Watcher of {len(self._wanted)} topics at {self._url}>"

    async def run(self) -> None:
        """Follow until nothing more will come; raises WatchError."""
        async with aiohttp.ClientSession() as session:
            while self._wanted:
                seconds = await self._connect(session)
                if self._wanted:
                    self._remark(f"connecting again in {seconds:.1f} s")
                    await asyncio.sleep(seconds)

    async def _connect(self, session: aiohttp.ClientSession) -> float:
        """Follow through one connection; return after how many seconds the next one should be made."""
        fields = {"Authorization": f"Bearer {self._token}"}
        try:
            async with session.ws_connect(
                self._url, protocols=("crossfade.v1",), headers=fields, ssl=self._tls, max_msg_size=0
            ) as socket:
                return await self._follow(socket)
        except aiohttp.WSServerHandshakeError as refused:
            if refused.status not in {429, 502, 503, 504}:
                raise WatchError(f"{self._url} answered {refused.status}: {refused.message}") from None
            self._remark(f"{self._url} answered {refused.status}")
        except (aiohttp.ClientError, OSError) as error:
            self._remark(f"{self._url} cannot be reached: {error}")
        return self._later()

    async def _follow(self, socket: aiohttp.ClientWebSocketResponse) -> float:
        async for received in socket:
            if received.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = orjson.loads(received.data)
            match said.get("type"):
                case "welcome":
                    self._pause = FIRST_PAUSE_SECONDS
                    self._remark(f"connected as {said['user']}")
                    await self._subscribe(socket, self._wanted)
                case "reply":
                    self._answered(said)
                case "message":
                    self._heard(said)
                case "status":
                    self._turned(said)
                case "complete":
                    self._completed(said["topic"])
                case "unsubscribed":
                    await self._dropped(socket, said)
                case "token_expiring":
                    self._remark("the token expires in a minute")
                case "disconnect":
                    return self._sent_away(said)
            if not self._wanted:
                return 0.0
        self._remark("the connection is lost")
        return self._later()

    async def _subscribe(self, socket: aiohttp.ClientWebSocketResponse, topics: Sequence[str]) -> None:
        command = {"id": 1, "op": "subscribe", "topics": list(map(self._wish, topics))}
        await socket.send_str(orjson.dumps(command).decode())

    def _wish(self, topic: str) -> object:
        known = self.positions.get(self._names.get(topic, topic))
        return {"topic": topic, "since": {"epoch": known[0], "offset": known[1]}} if known is not None else topic

    def _answered(self, said: Mapping[str, Any]) -> None:
        if not said["ok"]:
            raise WatchError(f"the subscription was refused: {said['error']['reason']}")
        for topic, error in said["result"]["rejected"].items():
            raise WatchError(f"{topic}: {error['reason']}{'; try again later' if error['temporary'] else ''}")
        for topic, held in said["result"]["subscribed"].items():
            self._held(topic, held)

    def _held(self, topic: str, held: Mapping[str, Any]) -> None:
        name = self._names.setdefault(topic, topic)
        if held.get("recovered") is False:
            self._remark(f"{topic}: what was said in between cannot be had any more")
        if held["state"] == "stale":
            self._remark(f"{topic}: its backend cannot be reached now")
        before = held["offset"] - held.get("replay", 0)
        self.positions[name] = (held["epoch"], before)

    def _heard(self, said: Mapping[str, Any]) -> None:
        topic = said["topic"]
        epoch, _ = self.positions.get(topic) or self._renamed(topic)
        self.positions[topic] = (epoch, said["offset"])
        self._show(said)

    def _renamed(self, topic: str) -> tuple[str, int]:
        """Messages carry a topic's whole name: `notifications` is one's own, `notifications:alice`."""
        short = topic.partition(":")[0]
        self._names[short] = topic
        return self.positions.pop(short, ("", 0))

    def _turned(self, said: Mapping[str, Any]) -> None:
        for topic in said["topics"]:
            self._remark(f"{topic}: {said['state']}")
            if "epoch" in said and topic in self.positions:
                self.positions[topic] = (said["epoch"], 0)

    def _completed(self, topic: str) -> None:
        self._remark(f"{topic}: complete")
        self._wanted = [wanted for wanted in self._wanted if self._names.get(wanted, wanted) != topic]

    async def _dropped(self, socket: aiohttp.ClientWebSocketResponse, said: Mapping[str, Any]) -> None:
        topic = said["topic"]
        if said["code"] < OVERRUN:
            raise WatchError(f"{topic}: {said['reason']}")
        self._remark(f"{topic}: {said['reason']}, subscribing again")
        await self._subscribe(socket, [wanted for wanted in self._wanted if self._names.get(wanted, wanted) == topic])

    def _sent_away(self, said: Mapping[str, Any]) -> float:
        if not said["reconnect"]:
            raise WatchError(f"the gateway closed the connection: {said['reason']} ({said['code']})")
        self._remark(f"the gateway closed the connection: {said['reason']}")
        seconds: float = said["retry_after_ms"] / 1000
        return seconds

    def _later(self) -> float:
        """Return a pause that grows, by chance, so that not all come back at once."""
        most, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        return self._chance.uniform(most / 2, most)
