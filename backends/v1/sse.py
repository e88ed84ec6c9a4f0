"""One `text/event-stream` answer: its head, its events, its beats and its two ends.

A stream that cannot go on after its head was sent has its connection cut and the reason logged, so that the client sees
a broken stream and not a short success.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

logger = logging.getLogger(__name__)

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class EventStream:
    """An open stream; every call is one complete write."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def send(self, event: str, data: Mapping[str, Any]) -> None:
        """One event; its JSON has no line breaks, so one `data` line holds it."""
        await self.response.write(b"event: %s\ndata: %s\n\n" % (event.encode(), orjson.dumps(data)))

    async def beat(self) -> None:
        """A comment that keeps proxies and clients from taking silence for death."""
        await self.response.write(b": keep-alive\n\n")


@asynccontextmanager
async def event_stream(request: web.Request) -> AsyncIterator[EventStream]:
    """Sends the head, and ends the stream properly where the block ends so; a failure inside is handled here."""
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    stream = EventStream(response)
    try:
        await stream.beat()
        yield stream
        await response.write_eof()
    except ConnectionError:
        logger.debug("%s: the client left", request.path)
    except Exception:
        logger.exception("%s broke off", request.path)
        if request.transport is not None:
            request.transport.abort()
