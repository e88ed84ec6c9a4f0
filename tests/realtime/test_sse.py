"""Legacy streams served from the hub, and legacy streams as what the hub hears: a whole gateway on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import orjson
import pytest
from aiohttp import web

from gateway.core.clock import SystemClock
from gateway.realtime.port import Position
from gateway.realtime.sse import position
from gateway.server.gateway import Gateway
from tests.realtime.tacn_server import TacnServer, tacn_server
from tests.support.gateway import LISTEN, running
from tests.support.poll import until
from tests.support.soon import soon

SECRET = "a secret for the streams, long enough for HS256"
RULES = (
    LISTEN
    + """
upstreams:
  v1: {endpoints: [LEGACY]}
  v2: {endpoints: [SUCCESSOR]}
auth:
  jwt: {keys: [{alg: HS256, secret: "a secret for the streams, long enough for HS256"}]}
quotas:
  few: {quota: 3, window: 1h, by: "claim:sub"}
routes:
  - {name: other-streams, match: "GET /api/stream/notifications", upstream: v1, quotas: [few]}
migrations:
  analysis:
    legacy: v1
    successor: v2
    endpoints:
      - {legacy: "GET /api/stream/analysis/{id}", successor: "GET /ws"}
    rollout: {percent: 100, by: ["claim:sub"]}
    deprecation: DATES
  stocks:
    legacy: v1
    successor: v2
    endpoints:
      - {legacy: "GET /api/stocks/{symbol}/quote", successor: "GET /api/v2/stocks/{symbol}/quote", serve: hub}
realtime:
  upstream: v2
  topics:
    quotes: {match: "quotes:{symbol}", conflate: true}
    analysis: {match: "analysis:{task}", authorize: upstream}
    notifications: {match: "notifications:{sub}", authorize: owner}
  sse:
    "/api/stream/quotes/{symbol}": "quotes:{symbol}"
    "/api/stream/analysis/{task}": "analysis:{task}"
    "/api/stream/notifications": "notifications:{sub}"
"""
)


def bearer(user: str = "alice", seconds: float = 900) -> dict[str, str]:
    payload = {"sub": user, "exp": int(SystemClock().now() + seconds)}
    return {"Authorization": f"Bearer {jwt.encode(payload, SECRET, 'HS256')}"}


class Client:
    """An SSE client that keeps its events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.rest = b""
        self.text = b""

    async def event(self) -> dict[str, str]:
        """Return the next event's fields."""
        while True:
            block, separator, rest = self.rest.partition(b"\n\n")
            if not separator:
                async with asyncio.timeout(5):
                    data = await self.response.content.readany()
                assert data, "the stream ended"
                self.rest += data
                self.text += data
                continue
            self.rest = rest
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            if "data" in fields:
                return fields


class Site:
    """A gateway between a scripted v2 and a scripted v1."""

    def __init__(self, gateway: Gateway, server: TacnServer, session: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.server = server
        self.session = session

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.gateway.public_port}"

    @asynccontextmanager
    async def stream(self, path: str, user: str = "alice", **headers: str) -> AsyncIterator[Client]:
        async with self.session.get(self.base + path, headers=bearer(user) | headers) as response:
            yield Client(response)

    async def get(self, path: str, user: str = "alice", **headers: str) -> tuple[int, Any, bytes]:
        async with self.session.get(self.base + path, headers=bearer(user) | headers) as response:
            return response.status, response.headers, await response.read()

    async def progress(self, task: str, status: str = "running", percent: int = 40) -> None:
        kind = {"completed": "analysis_complete", "running": "analysis_progress"}[status]
        data = {"taskId": task, "status": status, "progress": percent, "currentStep": "x", "message": "m"}
        await self.server.say({"type": kind, "channel": "analysis", "timestamp": 1, "data": data})


@asynccontextmanager
async def legacy(streams: dict[str, asyncio.Queue[bytes | None]]) -> AsyncIterator[str]:
    """A v1 with these streams."""

    async def serve(request: web.Request) -> web.StreamResponse:
        queue = streams.get(request.path)
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if queue is None or jwt.decode(token, SECRET, ["HS256"])["sub"] != "alice":
            return web.Response(status=404)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while (data := await queue.get()) is not None:
            await response.write(data)
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def site(
    folder: Path, *, dates: str = "null", v1: str = "http://127.0.0.1:1", percent: int = 100
) -> AsyncIterator[Site]:
    async with tacn_server() as server, aiohttp.ClientSession() as session:
        text = RULES.replace("DATES", dates).replace("LEGACY", v1).replace("SUCCESSOR", server.url)
        text = text.replace("percent: 100", f"percent: {percent}")
        async with running(folder, text) as gateway:
            found = Site(gateway, server, session)
            assert await soon(lambda: bool(server.sockets))
            yield found


async def test_a_stream_begins_as_v1s_does_and_goes_on_in_v1s_shape(tmp_path: Path) -> None:
    async with site(tmp_path) as found, found.stream("/api/stream/analysis/t1") as client:
        head = client.response.headers
        assert client.response.status == 200
        assert head["Content-Type"] == "text/event-stream"
        assert (head["Cache-Control"], head["X-Accel-Buffering"]) == ("no-store", "no")
        await found.progress("t1")
        event = await client.event()
        assert event["event"] == "progress"
        assert position(event["id"]) is not None
        expected = {"task_id": "t1", "status": "processing", "progress": 40, "current_step": "x", "message": "m"}
        assert orjson.loads(event["data"]) == expected
        assert client.text.startswith(b"retry: 3000\n\n")


async def test_a_client_that_comes_back_with_its_last_id_misses_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        async with found.stream("/api/stream/analysis/t1") as client:
            for percent in (10, 20, 30):
                await found.progress("t1", percent=percent)
            first = await client.event()
        for headers, query in (({"Last-Event-ID": first["id"]}, ""), ({}, f"?last_event_id={first['id']}")):
            async with found.stream(f"/api/stream/analysis/t1{query}", **headers) as client:
                events = [await client.event(), await client.event()]
                assert [orjson.loads(event["data"])["progress"] for event in events] == [20, 30]


async def test_without_an_id_a_task_tells_how_far_it_is_and_a_notification_is_told_once(tmp_path: Path) -> None:
    async with (
        site(tmp_path) as found,
        found.stream("/api/stream/analysis/t1") as first,
        found.stream("/api/stream/notifications") as mine,
    ):
        await found.progress("t1", percent=50)
        await first.event()
        async with found.stream("/api/stream/analysis/t1") as second:
            assert orjson.loads((await second.event())["data"])["progress"] == 50
        data = {
            "id": "n1",
            "user": "alice",
            "kind": "k",
            "data": {"symbol": "1"},
            "createdAt": "2026-11-22T10:00:00Z",
        }
        await found.server.say({"type": "notification", "channel": "notifications", "timestamp": 1, "data": data})
        event = await mine.event()
        assert event["event"] == "notification"
        assert orjson.loads(event["data"]) == {
            "id": "n1",
            "kind": "k",
            "data": {"stock_code": "1"},
            "created_at": "2026-11-22 10:00:00",
        }


async def test_a_complete_stream_ends_and_answers_204_from_then_on(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        async with found.stream("/api/stream/analysis/t1") as client:
            await found.progress("t1", percent=90)
            first = await client.event()
            await found.progress("t1", "completed", 100)
            last = await client.event()
            assert last["event"] == "complete"
            assert await client.response.content.read() == b""
        status, _, body = await found.get("/api/stream/analysis/t1", **{"Last-Event-ID": first["id"]})
        assert (status, body.count(b"event: complete")) == (200, 1)
        assert (await found.get("/api/stream/analysis/t1", **{"Last-Event-ID": last["id"]}))[0] == 204
        assert (await found.get("/api/stream/analysis/t1"))[0] == 204


async def test_who_may_not_is_told_before_a_stream_begins(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        found.server.refused = {"t9": "task not found"}
        async with found.session.get(found.base + "/api/stream/analysis/t1") as response:
            assert response.status == 401
        status, headers, body = await found.get("/api/stream/analysis/t9")
        assert (status, headers["Content-Type"]) == (404, "application/problem+json")
        assert orjson.loads(body)["type"] == "urn:crossfade:problem:not-found"
        assert (await found.get("/api/stream/quotes/a%20b"))[0] == 404


async def test_while_the_upstream_is_down_an_authorised_stream_is_502_and_everybodys_stays_open(tmp_path: Path) -> None:
    async with site(tmp_path) as found, found.stream("/api/stream/quotes/1") as client:
        await found.server.stop()

        async def is_down() -> bool:
            status, headers, _ = await found.get("/api/stream/analysis/t2")
            return status == 502 and headers["Retry-After"] == "3"

        await until(is_down)
        await found.server.start()
        assert await found.server.holds("1")
        await found.server.quote("1")
        assert (await client.event())["event"] == "quote"


async def test_a_stream_has_the_policy_of_the_route_or_the_endpoint_at_its_path(tmp_path: Path) -> None:
    dates = '{announced: 2020-01-01, deprecated: 2020-02-01, gone: 2100-01-01, docs: "https://docs.example.com/x"}'
    async with site(tmp_path, dates=dates) as found:
        async with found.stream("/api/stream/analysis/t1") as client:
            assert client.response.headers["Deprecation"] == "@1580515200"
            assert 'rel="successor-version"' in client.response.headers["Link"]
        for expected in (200, 200, 200, 429):
            async with found.stream("/api/stream/notifications") as client:
                assert client.response.status == expected


async def test_a_stream_whose_migration_is_gone_is_410(tmp_path: Path) -> None:
    dates = "{announced: 2020-01-01, deprecated: 2020-02-01, gone: 2020-03-01}"
    async with site(tmp_path, dates=dates) as found:
        status, _, body = await found.get("/api/stream/analysis/t1")
        assert (status, orjson.loads(body)["successor"]) == (410, "/ws")


async def test_a_stream_ends_with_its_token(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        headers = bearer(seconds=-28)  # the rules leave 30 s of leeway: two seconds are left
        async with found.session.get(found.base + "/api/stream/quotes/1", headers=headers) as response:
            assert response.status == 200
            async with asyncio.timeout(10):
                assert await response.content.read() == b"retry: 3000\n\n"


async def test_while_its_side_is_legacy_a_topic_is_heard_from_v1s_stream_and_moves_without_closing_anybody(
    tmp_path: Path,
) -> None:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    async with (
        legacy({"/api/stream/analysis/t1": queue}) as v1,
        site(tmp_path, v1=v1, percent=0) as found,
    ):
        queue.put_nowait(
            b': keep-alive\n\nevent: progress\ndata: {"task_id":"t1","status":"processing","progress":5}\n\n'
        )
        async with found.stream("/api/stream/analysis/t1") as client:
            first = await client.event()
            assert orjson.loads(first["data"]) == {"task_id": "t1", "status": "processing", "progress": 5}
            assert not found.server.held
            assert (await found.get("/api/stream/analysis/t1", user="bob"))[0] == 404
            path = tmp_path / "gateway.yaml"
            path.write_text(path.read_text().replace("percent: 0", "percent: 100"))
            assert await found.gateway.reload()
            assert await found.server.holds("t1")
            await found.progress("t1", percent=60)
            second = await client.event()
            assert orjson.loads(second["data"])["progress"] == 60
            assert second["id"].partition(":")[0] != first["id"].partition(":")[0]


async def test_a_fresh_quote_is_answered_from_the_hub_and_counted_apart(tmp_path: Path) -> None:
    async with site(tmp_path) as found, found.stream("/api/stream/quotes/600519") as client:
        assert (await found.get("/api/stocks/600519/quote"))[0] == 502
        data = {"code": "600519", "price": 10.5, "change": 0.5, "changePercent": 5.0, "volume": 7, "timestamp": 0}
        await found.server.say({"type": "quote_update", "channel": "quotes", "timestamp": 1, "data": data})
        await client.event()
        status, headers, body = await found.get("/api/stocks/600519/quote")
        assert (status, headers["Age"], headers["X-Served-By"]) == (200, "0", "v2")
        answer = orjson.loads(body)["data"]
        assert (answer["symbol"], answer["price"], answer["prevClose"]) == ("600519", 10.5, 10.0)
        assert answer["time"] == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k3x:41", Position("k3x", 41)),
        ("a:b:1", Position("a:b", 1)),
        ("41", None),
        ("k3x:", None),
        ("k3x:-1", None),
        ("k3x:" + "9" * 16, None),
        (None, None),
    ],
)
def test_an_id_is_an_epoch_and_an_offset(text: str | None, expected: Position | None) -> None:
    assert position(text) == expected
