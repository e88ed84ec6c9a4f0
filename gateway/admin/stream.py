"""`/api/stream`: what happens, as it happens, as server-sent events for the console."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from gateway.admin.rollouts import described
from gateway.control.event import Event

FIGURES_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.25
MOST: Final = 64
"""Streams at a time; each costs a look four times a second."""


class Feed(Protocol):
    """What is told."""

    def migrations(self) -> Sequence[str]:
        """Return the names of all migrations."""
        ...

    def show(self, migration: str) -> Mapping[str, Any]:
        """Return everything about one rollout."""
        ...

    def events_since(self, number: int) -> Sequence[Event]:
        """Return the events after a number that are still at hand."""
        ...

    def number(self) -> int:
        """Return the number of the last event."""
        ...


class StreamApi:
    """The handler. Every stream sends `rollouts` now and then, and each new `event` at once."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._open = 0

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/stream", self._stream)]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self._open >= MOST:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"})
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        self._open += 1
        try:
            await self._tell(response, _position(request.headers.get("Last-Event-ID"), self._feed.number()))
        except ConnectionError:
            pass  # the console was closed
        finally:
            self._open -= 1
        return response

    async def _tell(self, response: web.StreamResponse, number: int) -> None:
        loop, due = asyncio.get_running_loop(), 0.0
        await response.write(b"retry: 3000\n\n")
        while True:
            for event in self._feed.events_since(number):
                number = event.number
                await response.write(_sse("event", described(event), str(number)))
            if loop.time() >= due:
                due = loop.time() + FIGURES_SECONDS
                shown = [self._feed.show(name) for name in self._feed.migrations()]
                await response.write(_sse("rollouts", {"rollouts": shown}))
            await asyncio.sleep(LOOK_SECONDS)


def _position(given: str | None, newest: int) -> int:
    """Return the event after which to go on: the one that was heard last, if it can be one."""
    if given is None or not given.isascii() or not given.isdigit():
        return newest
    return min(int(given[:20]), newest)


def _sse(name: str, body: Mapping[str, Any], number: str = "") -> bytes:
    marked = f"id: {number}\n" if number else ""
    return f"{marked}event: {name}\ndata: ".encode() + orjson.dumps(body) + b"\n\n"
