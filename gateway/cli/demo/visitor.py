"""One caller of the demo's traffic, and what such callers do."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from backends.domain.listings import LISTINGS
from gateway.cli.demo.tally import Tally

SYMBOLS = tuple(listing.symbol for listing in LISTINGS)
STREAM_SECONDS = 4.0
READS = (
    "/api/favorites",
    "/api/favorites",
    "/api/stocks?page_size=10",
    "/api/stocks/{symbol}",
    "/api/stocks/{symbol}/quote",
    "/api/stocks/{symbol}/quote",
    "/api/stocks/{symbol}/kline?limit=30",
    "/api/news?page_size=5",
    "/api/queue/stats",
    "/api/queue/tasks",
    "/api/analysis/history",
    "/api/config",
    "/api/config/markets",
    "/api/chanlun/{symbol}",
    "/api/daily-analysis/{symbol}",
    "/api/screening/fields",
    "/api/v2/stocks/{symbol}/quote",
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A caller with a token, or without one. Every call is noted in the tally."""

    session: aiohttp.ClientSession
    tally: Tally
    chance: random.Random
    token: str | None

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Make one call and return the answer's `data`, or None."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with self.session.request(method, path, json=body, headers=self._headers()) as answer:
                document = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            self.tally.failed()
            return None
        self.tally.answered(answer.status, answer.headers.get("X-Served-By"), loop.time() - began)
        return document.get("data") if isinstance(document, dict) else None

    async def listen(self, path: str) -> None:
        """Hold an event stream open for a while; what counts is the time to its head."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with self.session.get(path, headers=self._headers()) as answer:
                self.tally.answered(answer.status, answer.headers.get("X-Served-By"), loop.time() - began)
                await self._drain(answer)
        except (aiohttp.ClientError, TimeoutError):
            self.tally.failed()

    async def _drain(self, answer: aiohttp.ClientResponse) -> None:
        self.tally.open_streams += 1
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                async for _ in answer.content:
                    pass
        except TimeoutError:
            answer.close()
        finally:
            self.tally.open_streams -= 1

    def symbol(self) -> str:
        """Return one of the seeded stocks."""
        return self.chance.choice(SYMBOLS)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}


async def read(visitor: Visitor) -> None:
    """Look at something."""
    await visitor.call("GET", visitor.chance.choice(READS).format(symbol=visitor.symbol()))


async def log_in(visitor: Visitor) -> None:
    """Log in as one of the seeded users and ask who that is."""
    name = visitor.chance.choice(("alice", "bob", "carol"))
    data = await visitor.call("POST", "/api/auth/login", {"username": name, "password": f"{name}-demo"})
    if data is not None:
        known = Visitor(visitor.session, visitor.tally, visitor.chance, data["access_token"])
        await known.call("GET", "/api/auth/me")


async def keep_and_drop(visitor: Visitor) -> None:
    """Put a stock on the watchlist and take it off again; the side may change in between."""
    symbol = visitor.symbol()
    await visitor.call("POST", "/api/favorites", {"stock_code": symbol, "tags": ["demo"]})
    await visitor.call("DELETE", f"/api/favorites/{symbol}")


async def analyse(visitor: Visitor) -> None:
    """Start an analysis and follow its progress."""
    data = await visitor.call("POST", "/api/analysis/stock", {"stock_code": visitor.symbol()})
    if data is not None:
        await visitor.listen(f"/api/stream/analysis/{data['task_id']}")


async def queue(visitor: Visitor) -> None:
    """Put a stock into the queue and look at the task."""
    data = await visitor.call("POST", "/api/queue/submit", {"stock_codes": [visitor.symbol()]})
    if data is not None:
        await visitor.call("GET", f"/api/queue/tasks/{data['task_ids'][0]}")


async def listen(visitor: Visitor) -> None:
    """Listen to one of v1's streams."""
    await visitor.listen(visitor.chance.choice(("/api/stream/queue", "/api/stream/notifications")))


@dataclass(frozen=True, slots=True)
class Journey:
    """Something callers do: how often, how many requests it is, and how many seconds lie at least between two."""

    walk: Callable[[Visitor], Awaitable[None]]
    weight: int
    requests: int = 1
    pause: float = 0.0


JOURNEYS = (
    Journey(read, weight=78),
    Journey(keep_and_drop, weight=12, requests=2),
    # Passwords are expensive to check, and guessing them is limited by the gateway.
    Journey(log_in, weight=4, requests=2, pause=1.0),
    # A backend works at one task at a time, two seconds each.
    Journey(analyse, weight=2, requests=2, pause=4.0),
    Journey(queue, weight=2, requests=2, pause=4.0),
    Journey(listen, weight=2),
)
