"""The client's side of `tacn.v2` for tests."""

import asyncio
import json
from typing import Any

import aiohttp

TIMEOUT_SECONDS = 10.0

type Frame = dict[str, Any]


class Talk:
    """One WebSocket; pushes that come before an awaited frame are kept for later."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._early: list[Frame] = []

    async def __aenter__(self) -> "Talk":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def subscribe(self, channel: str, data: Frame, frame_id: str = "1") -> Frame:
        """The `ack` of a subscription."""
        return await self._ask(channel, {"action": "subscribe", **data}, frame_id)

    async def unsubscribe(self, channel: str, data: Frame, frame_id: str = "2") -> Frame:
        """The `ack` of the opposite."""
        return await self._ask(channel, {"action": "unsubscribe", **data}, frame_id)

    async def say(self, frame: object) -> None:
        """Sends anything."""
        await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def next(self) -> Frame:
        """The next frame."""
        return self._early.pop(0) if self._early else await self._receive()

    async def hear(self, *types: str) -> Frame:
        """The next frame of one of those types; others are skipped."""
        while (frame := await self.next())["type"] not in types:
            pass
        return frame

    async def closed(self) -> int | None:
        """The code the server closes with; frames before it are skipped."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while (await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return self.socket.close_code

    async def _ask(self, channel: str, data: Frame, frame_id: str) -> Frame:
        await self.say({"type": "subscription", "id": frame_id, "channel": channel, "timestamp": 0, "data": data})
        while (frame := await self._receive())["type"] != "ack" or frame["id"] != frame_id:
            self._early.append(frame)
        assert frame["channel"] == channel
        ack: Frame = frame["data"]
        return ack

    async def _receive(self) -> Frame:
        frame: Frame = await self.socket.receive_json(timeout=TIMEOUT_SECONDS)
        return frame
