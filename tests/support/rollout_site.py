"""Several gateways with two workers each, on one MongoDB and one Redis: what rollouts are tried on."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.core.tasks import cancel_all, spawn
from gateway.policy.cohort import bucket
from tests.support.child import OPS, Child, gateway_process
from tests.support.client import RawClient
from tests.support.echo import Echo
from tests.support.gateway import LISTEN
from tests.support.mongo_process import MongoProcess
from tests.support.own_redis import OwnRedis

USERS = 50
SETTLED_SECONDS = 1.0
"""In this time all gateways agree on a change."""


@dataclass(slots=True)
class Site:
    """What runs. `admin` calls the operators' API of a gateway."""

    gateways: list[Child]
    redis: OwnRedis
    mongo: MongoProcess
    v1: Echo
    v2: Echo
    session: aiohttp.ClientSession

    async def get(self, gateway: int, path: str) -> Any:
        """Return a JSON answer of one gateway's admin API."""
        url = f"http://127.0.0.1:{self.gateways[gateway].admin}{path}"
        async with self.session.get(url, headers=OPS) as answer:
            return await answer.json()

    async def post(self, gateway: int, verb: str, **body: Any) -> tuple[int, Any]:
        """Call a verb of the watchlist's rollout."""
        url = f"http://127.0.0.1:{self.gateways[gateway].admin}/api/rollouts/watchlist/{verb}"
        async with self.session.post(url, headers=OPS, json={"reason": "a test", **body}) as answer:
            return answer.status, await answer.json()

    async def leaders(self) -> list[int]:
        """Return which gateways believe that they lead."""
        found = [await self.get(number, "/api/status") for number in range(len(self.gateways))]
        return [number for number, status in enumerate(found) if status["control"]["controller"]["leads"]]


@asynccontextmanager
async def rollout_site(
    folder: Path, *, gateways: int = 2, percent: float = 10, rollout: str = "", auth: str = "none"
) -> AsyncIterator[Site]:
    """Run it for the length of a block; `rollout` is more of the split, as YAML."""
    async with AsyncExitStack() as stack:
        redis, mongo = OwnRedis(), MongoProcess(folder)
        stack.callback(redis.kill)
        stack.callback(mongo.kill)
        await asyncio.to_thread(mongo.start)
        v1, v2 = await stack.enter_async_context(Echo()), await stack.enter_async_context(Echo())
        text = _text(v1.origin, v2.origin, redis.url, mongo.url, percent, rollout)
        contexts = [gateway_process(folder, text, name=f"gateway-{number}") for number in range(gateways)]
        children = list(await asyncio.gather(*[stack.enter_async_context(context) for context in contexts]))
        for child in children:
            stack.push_async_callback(_end, child)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Site(children, redis, mongo, v1, v2, session)


def _text(v1: str, v2: str, redis: str, mongo: str, percent: float, rollout: str) -> str:
    return f"""{LISTEN}  workers: 2
  drain: 2s
store: {mongo}
redis: {{url: "{redis}", timeout: 250ms}}
upstreams:
  v1: {{endpoints: [{v1}]}}
  v2: {{endpoints: [{v2}]}}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: none
    endpoints:
      - {{legacy: "GET /api/favorites/{{code}}", successor: "GET /api/v2/watchlist/{{code}}"}}
      - {{legacy: "POST /api/favorites", successor: "POST /api/v2/watchlist"}}
    rollout:
      percent: {percent}
      by: ["header:X-User"]
      salt: tacn
      {rollout}
"""


async def _end(child: Child) -> None:
    if child.process.returncode is None:
        child.signal(signal.SIGTERM)
        await child.ended()


@dataclass(slots=True)
class Asked:
    """One request: when, by whom, who answered and with what."""

    began: float
    ended: float
    user: str
    status: int
    served_by: str | None


@dataclass(slots=True)
class Callers:
    """Owns clients that ask at a steady rate, each over one connection, and notes every answer.

    A connection that is lost is opened anew, at the next of the ports; a request that was under way on it is `lost`.
    """

    ports: Sequence[int]
    rate: float
    asked: list[Asked] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def calling(self) -> AsyncIterator["Callers"]:
        """Ask for the length of a block."""
        tasks: set[asyncio.Task[Any]] = set()
        count = 8 * len(self.ports)
        for number in range(count):
            spawn(self._client(number, count), name="a caller", owner=tasks)
        try:
            yield self
        finally:
            await cancel_all(tasks)

    def percentile(self, share: float, since: float = 0.0) -> float:
        """Return a percentile of the times to answer, in seconds."""
        ordered = sorted(one.ended - one.began for one in self.asked if one.began >= since)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def wrong_sided(self, changes: Sequence[tuple[float, float]]) -> list[Asked]:
        """Return answers of a side that no percent gives which may have held then; `changes` are (moment, percent)."""
        return [one for one in self.asked if one.status == 200 and one.served_by not in _sides(one, changes)]

    async def _client(self, number: int, count: int) -> None:
        link: RawClient | None = None
        turn = number
        due = time.monotonic() + number / self.rate
        try:
            while True:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due = max(due + count / self.rate, time.monotonic() - 0.25)
                link, turn = await self._turn(link, turn)
        finally:
            if link is not None:
                link.leave()

    async def _turn(self, link: RawClient | None, turn: int) -> tuple[RawClient | None, int]:
        user, began = f"user-{turn % USERS}", time.monotonic()
        try:
            if link is None:
                link = RawClient(*await asyncio.open_connection("127.0.0.1", self.ports[turn % len(self.ports)]))
            await link.send(f"GET /api/favorites/{turn} HTTP/1.1\r\nHost: a\r\nX-User: {user}\r\n\r\n".encode())
            async with asyncio.timeout(10):
                answer = await link.answer()
        except (OSError, asyncio.IncompleteReadError) as error:
            self.lost.append(f"{user}: {error!r}")
            if link is not None:
                link.leave()
            return None, turn + 1
        self.asked.append(Asked(began, time.monotonic(), user, answer.status, answer.get("X-Served-By")))
        return link, turn + 1


def _sides(one: Asked, changes: Sequence[tuple[float, float]]) -> set[str]:
    """Return who may have answered: by the last percent that was settled before, and all later ones."""
    settled = [at for at, (moment, _) in enumerate(changes) if moment + SETTLED_SECONDS <= one.began]
    first = settled[-1] if settled else 0
    percents = [percent for moment, percent in changes[first:] if moment <= one.ended]
    return {"v2" if bucket(b"tacn", one.user) < percent * 1000 else "v1" for percent in percents}
