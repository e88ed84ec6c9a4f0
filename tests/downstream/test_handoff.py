"""Connections that aiohttp answers: counted as long as they are open, and silent about their software."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.config.schema import Limits
from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.downstream.handoff import Handoff
from gateway.downstream.listener import Listener
from gateway.downstream.serving import Arrival
from gateway.wire.request import Request
from tests.support.client import RawClient, connected
from tests.support.soon import soon

REQUEST = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"


class Place:
    """Hands every request over to a handler that answers once `may_answer` is set, and counts who is turned away."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.turned_away = 0
        self.handoff = Handoff(self._answer)
        self.listener = Listener(self, Limits(connections=2))

    async def start(self) -> None:
        self.handoff.start()
        await self.listener.start("127.0.0.1", 0, None)

    async def close(self) -> None:
        await self.listener.close()
        await self.handoff.close()

    def serve(self, client: ClientConnection, request: Request, body: bytes, is_complete: bool) -> None:
        """Hand it over."""
        self.handoff.take(client, request, "id-1")

    def serve_all(self, arrivals: list[Arrival]) -> None:
        """Hand all of them over."""
        for client, request, body in arrivals:
            client.settle(self.serve(client, request, body, is_complete=True))

    def turn_away(self, client: ClientConnection, error: RequestError) -> None:
        """Note it."""
        self.turned_away += 1
        client.abort()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await self.may_answer.wait()
        if request.path == "/broken":
            raise LookupError("broken")
        return web.Response(text="here")


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    found = Place()
    await found.start()
    yield found
    await found.close()


async def _asking(client: RawClient, place: Place, so_many: int) -> None:
    await client.send(REQUEST)
    assert await soon(lambda: place.handoff.open == so_many)


async def test_a_connection_that_was_handed_over_counts_until_it_closes(place: Place) -> None:
    async with connected(place.listener.port) as first, connected(place.listener.port) as second:
        await _asking(first, place, 1)
        await _asking(second, place, 2)
        assert place.listener.connections == 2
        async with connected(place.listener.port):
            assert await soon(lambda: place.turned_away == 1)
        place.may_answer.set()
        for client in (first, second):
            answer = await client.answer()
            assert (answer.status, answer.body, answer.get("X-Request-Id")) == (200, b"here", "id-1")
        async with asyncio.timeout(5):
            await place.listener.empty()
    assert place.listener.connections == place.handoff.open == 0


async def test_a_client_that_leaves_is_counted_no_more(place: Place) -> None:
    async with connected(place.listener.port) as client:
        await _asking(client, place, 1)
    assert await soon(lambda: place.listener.connections == 0)


@pytest.mark.parametrize(("path", "status"), [("/slow", 200), ("/broken", 500)])
async def test_no_answer_says_what_software_made_it(place: Place, path: str, status: int) -> None:
    place.may_answer.set()
    async with connected(place.listener.port) as client:
        await client.send(REQUEST.replace(b"/slow", path.encode()))
        answer = await client.answer()
    assert (answer.status, answer.get("Server")) == (status, None)
