"""A client that follows topics over one socket and holds every message to the one before it."""

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import orjson


class Follower:
    """Owns one socket. `holes` are offsets that were skipped, or came twice, without a word; `ends` close codes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, topics: list[str]) -> None:
        self.socket = socket
        self.topics = topics
        self.seen: dict[str, tuple[str, int]] = {}
        self.fresh: set[str] = set()
        self.holes: list[tuple[str, int, int]] = []
        self.heard: Counter[str] = Counter()
        self.epochs: Counter[str] = Counter()
        self.ends: list[int | None] = []

    async def follow(self) -> None:
        """Subscribe, and read to the end."""
        await self.socket.send_str(orjson.dumps({"id": 1, "op": "subscribe", "topics": self.topics}).decode())
        async for message in self.socket:
            self.hear(orjson.loads(message.data))
        self.ends.append(self.socket.close_code)

    def hear(self, frame: dict[str, Any]) -> None:
        self.heard[frame["type"]] += 1
        match frame["type"]:
            case "reply":
                for topic, held in frame["result"]["subscribed"].items():
                    self.seen[topic] = (held["epoch"], held["offset"])
                    self.fresh.add(topic)
            case "message":
                self.check(frame["topic"], frame["offset"])
            case "status" if frame["state"] == "live":
                for topic in frame["topics"]:
                    self.seen[topic] = (frame["epoch"], 0)
                    self.epochs[topic] += 1
            case "unsubscribed":
                self.seen.pop(frame["topic"])

    def check(self, topic: str, offset: int) -> None:
        """The first message may repeat the position that the reply told: it is the last value."""
        epoch, last = self.seen[topic]
        is_last_value = topic in self.fresh and offset == last
        self.fresh.discard(topic)
        if offset != last + 1 and not is_last_value:
            self.holes.append((topic, last, offset))
        self.seen[topic] = (epoch, offset)


async def following(session: aiohttp.ClientSession, url: str, token: str, topics: list[str]) -> Follower:
    """Open a socket."""
    socket = await session.ws_connect(url, protocols=("crossfade.v1",), headers={"Authorization": f"Bearer {token}"})
    return Follower(socket, topics)


async def all_heard(followers: list[Follower], least: int, seconds: float) -> bool:
    """Wait until each has got so many messages."""
    deadline = asyncio.get_running_loop().time() + seconds
    while any(follower.heard["message"] < least for follower in followers):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True
