"""`/api/stream`: server-sent events."""

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest
from redis.asyncio import Redis

from backends.domain.platform import Settings
from tests.backends.v1.legacy import Legacy
from tests.backends.v1.test_analysis import PROGRESS
from tests.backends.v1.test_queue import STATUSES


@pytest.fixture
def platform_settings(platform_settings: Settings) -> Settings:
    """Steps slow enough to be followed."""
    return replace(platform_settings, step_seconds=0.1)


async def started(user: Legacy) -> str:
    data = await user.data("POST", "/api/analysis/stock", {"stock_code": "600519"})
    return str(data["task_id"])


async def subscribers(redis_url: str, channel: str) -> int:
    async with Redis.from_url(redis_url) as redis:
        return int((await redis.pubsub_numsub(channel))[0][1])


async def test_a_task_is_followed_to_its_end_and_the_stream_closes(bob: Legacy) -> None:
    task_id = await started(bob)
    async with bob.events(f"/api/stream/analysis/{task_id}") as events:
        assert events.response.headers["Content-Type"] == "text/event-stream"
        assert events.response.headers["Cache-Control"] == "no-store"
        seen = await events.rest()
    assert [event.name for event in seen[:-1]] == ["progress"] * (len(seen) - 1)
    assert len(seen) >= 3
    assert all(set(event.data) == PROGRESS for event in seen)
    assert (seen[-1].name, seen[-1].data["status"], seen[-1].data["progress"]) == ("complete", "completed", 100)
    progress = [event.data["progress"] for event in seen]
    assert progress == sorted(progress)
    assert {event.data["status"] for event in seen} <= STATUSES


async def test_a_finished_task_is_one_event(bob: Legacy) -> None:
    task_id = await started(bob)
    await bob.finish(task_id)
    async with bob.events(f"/api/stream/analysis/{task_id}") as events:
        assert [event.name for event in await events.rest()] == ["complete"]


async def test_a_cancelled_task_has_failed(bob: Legacy) -> None:
    task_id = await started(bob)
    async with bob.events(f"/api/stream/analysis/{task_id}") as events:
        await events.next()
        await bob.data("DELETE", f"/api/queue/tasks/{task_id}")
        last = (await events.rest())[-1]
    assert (last.name, last.data["status"]) == ("failed", "cancelled")


async def test_anothers_task_cannot_be_followed(alice: Legacy, bob: Legacy) -> None:
    await alice.detail(404, "GET", f"/api/stream/analysis/{await started(bob)}")


@pytest.mark.parametrize("stream", ["analysis/none", "queue", "notifications"])
async def test_no_stream_without_a_token(stream: str, anyone: Legacy) -> None:
    await anyone.detail(401, "GET", f"/api/stream/{stream}")


async def test_the_queues_figures_come_at_once_and_when_they_change(bob: Legacy) -> None:
    async with bob.events("/api/stream/queue") as events:
        first = await events.next()
        assert first is not None
        assert (first.name, set(first.data), first.data["total"]) == ("queue", STATUSES | {"total"}, 0)
        await started(bob)
        completed = 0
        while not completed:
            event = await events.next()
            assert event is not None
            completed = event.data["completed"]
    assert event.data["total"] == 1


async def test_notifications_come_over_redis(bob: Legacy, redis_url: str) -> None:
    message = {"id": "n-1", "user": "bob", "kind": "news", "data": {"symbol": "600519"}}
    async with bob.events("/api/stream/notifications") as events, Redis.from_url(redis_url) as redis:
        created = "2026-11-22T10:00:00.123Z"
        await redis.publish("notifications:bob", json.dumps({**message, "created_at": created}))
        event = await events.next()
    assert event is not None
    assert event.name == "notification"
    assert event.data == {
        "id": "n-1",
        "kind": "news",
        "data": {"stock_code": "600519"},
        "created_at": "2026-11-22 10:00:00",
    }


async def test_a_finished_analysis_notifies_its_owner(bob: Legacy) -> None:
    async with bob.events("/api/stream/notifications") as events:
        task_id = await started(bob)
        event = await events.next()
    assert event is not None
    assert set(event.data) == {"id", "kind", "data", "created_at"}
    assert event.data["data"]["task_id"] == task_id
    assert "symbol" not in event.data["data"]


async def test_nobody_hears_anothers_notifications(alice: Legacy, bob: Legacy, redis_url: str) -> None:
    message = {"user": "alice", "kind": "k", "data": {}, "created_at": "2026-11-22T10:00:00.000Z"}
    async with bob.events("/api/stream/notifications") as events, Redis.from_url(redis_url) as redis:
        await redis.publish("notifications:alice", json.dumps({**message, "id": "hers"}))
        await redis.publish("notifications:bob", json.dumps({**message, "id": "his"}))
        event = await events.next()
    assert event is not None
    assert event.data["id"] == "his"


@pytest.mark.parametrize("beat_seconds", [0.02])
async def test_a_stream_that_cannot_go_on_is_cut_and_not_ended(bob: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    async with bob.events("/api/stream/queue") as events:
        await events.next()
        monkeypatch.setattr("backends.domain.queue.TaskQueue.stats", broken)
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
            await events.rest()


@pytest.mark.parametrize("beat_seconds", [0.02])
async def test_a_silent_stream_beats(bob: Legacy) -> None:
    async with bob.events("/api/stream/notifications") as events:
        for _ in range(3):
            await events.beat()


@pytest.mark.parametrize("beat_seconds", [0.1])
async def test_a_lost_connection_to_redis_loses_no_end(bob: Legacy, redis_url: str) -> None:
    task_id = await started(bob)
    async with bob.events(f"/api/stream/analysis/{task_id}") as events, Redis.from_url(redis_url) as redis:
        await events.next()
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert (await events.rest())[-1].name == "complete"


async def test_a_client_that_leaves_ends_its_stream(bob: Legacy, redis_url: str) -> None:
    async with bob.events("/api/stream/notifications"):
        assert await subscribers(redis_url, "notifications:bob") == 1
    async with asyncio.timeout(3):
        while await subscribers(redis_url, "notifications:bob"):  # noqa: ASYNC110 - Valkey is another process
            await asyncio.sleep(0.02)
