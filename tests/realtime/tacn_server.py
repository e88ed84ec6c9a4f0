"""A scripted upstream that speaks `tacn.v2` on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from tests.support.soon import soon


class TacnServer:
    """Owns a port that survives its restarts, the commands it got, and what it holds for its one client."""

    def __init__(self) -> None:
        self.port = 0
        self.commands: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.held: set[str] = set()
        self.refused: dict[str, str] = {}
        self.is_silent = False
        self.sockets: list[web.WebSocketResponse] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for socket in self.sockets:
            await socket.close(code=1001)
        self.sockets.clear()
        self.held.clear()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def say(self, *frames: dict[str, Any]) -> None:
        """Send frames with nothing in between: they arrive in one read."""
        for frame in frames:
            await self.sockets[-1].send_str(orjson.dumps(frame).decode())

    async def quote(self, *symbols: str, price: float = 1.0) -> None:
        await self.say(
            *(
                {"type": "quote_update", "channel": "quotes", "timestamp": 1, "data": {"code": code, "price": price}}
                for code in symbols
            )
        )

    async def holds(self, *members: str) -> bool:
        """Wait until it holds exactly these."""
        return await soon(lambda: self.held == set(members))

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        self.tokens.append(request.headers.get("Authorization"))
        socket = web.WebSocketResponse(protocols=("tacn.v2",))
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            command = orjson.loads(message.data)
            self.commands.append(command)
            if not self.is_silent:
                await socket.send_str(orjson.dumps(self._answer(command)).decode())
        return socket

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        data = command["data"]
        name = {"quotes": "symbols", "analysis": "tasks"}.get(command["channel"])
        members = data[name] if name is not None else [data["onBehalfOf"]]
        if "broken" in members:
            error = {"code": "VALIDATION_ERROR", "message": "no"}
            return {"type": "error", "id": command["id"], "timestamp": 1, "data": error}
        good = [member for member in members if member not in self.refused]
        member_name = name.removesuffix("s") if name is not None else "user"
        bad = [{member_name: member, "error": self.refused[member]} for member in members if member in self.refused]
        if data["action"] == "subscribe":
            self.held |= set(good)
        else:
            self.held -= set(good)
        answer = {"success": not bad, "subscribed": good, "unsubscribed": good, "errors": bad}
        return {
            "type": "ack",
            "id": command["id"],
            "channel": command["channel"],
            "timestamp": 1,
            "data": answer,
        }


@asynccontextmanager
async def tacn_server() -> AsyncIterator[TacnServer]:
    """Run one for the length of a block."""
    server = TacnServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        await asyncio.sleep(0)
