"""When `connections` is reached, the next one is told 503 and closed, and nobody else is hurt."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from tests.support.client import Received, connected
from tests.support.echo import Echo
from tests.support.gateway import plain, running
from tests.support.poll import until

LIMITS = "\n  limits: {connections: 20}"
REQUEST = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"


async def _first_answer(port: int) -> Received | None:
    async with connected(port) as client:
        with suppress(ConnectionError):
            await client.send(REQUEST)
        try:
            async with asyncio.timeout(5):
                answer = await client.answer()
                if answer.status == 503:
                    assert await client.at_end()
                return answer
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


async def test_one_connection_too_many_is_answered_with_503_and_closed(tmp_path: Path) -> None:
    async with (
        Echo() as v1,
        running(tmp_path, plain(v1.origin, server=LIMITS)) as gateway,
        AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(connected(gateway.public_port)) for _ in range(20)]
        for client in clients:
            await client.send(REQUEST)
            assert (await client.answer()).status == 200
        refused = await _first_answer(gateway.public_port)
        assert refused is not None
        assert (refused.status, refused.get("Connection")) == (503, "close")
        assert refused.json()["type"] == "urn:crossfade:problem:overloaded"
        for client in clients:
            await client.send(REQUEST)
            assert (await client.answer()).status == 200
        clients.pop().leave()

        async def is_served() -> bool:
            answer = await _first_answer(gateway.public_port)
            return answer is not None and answer.status == 200

        await until(is_served)
