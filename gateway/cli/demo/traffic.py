"""Mixed traffic through the gateway at a constant rate, and one status line a second."""

import asyncio
import random
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import click

from backends.domain.clock import SystemClock
from backends.domain.tokens import Tokens
from gateway.cli.demo.tally import Tally
from gateway.cli.demo.visitor import JOURNEYS, Journey, Visitor
from gateway.core.tasks import cancel_all, spawn

SUBJECTS = 1000
PLANS = ("free", "free", "free", "pro", "pro", "pro", "pro", "pro", "pro", "beta")
TOKEN_SECONDS = 600.0
"""How long a token is used; it is good for 900."""
MOST_OPEN = 500
"""Journeys under way; more are held back, so that a gateway that hangs does not fill this process."""


class Traffic:
    """Owns the generator while the context lasts.

    Requests start at their due times whatever the answers do, so a slow gateway shows as latency, not as less traffic.
    The callers are `user-0` to `user-999`: enough for the split to be seen in the figures.
    """

    def __init__(self, public: str, secret: str, rate: int) -> None:
        self._public = public
        self._rate = rate
        self._tokens = Tokens(secret, SystemClock())
        self._known: dict[int, tuple[str, float]] = {}
        self._next_allowed: dict[Journey, float] = {}
        self._chance = random.Random()
        self._tally = Tally()
        self._session: aiohttp.ClientSession | None = None
        self._owner: set[asyncio.Task[Any]] = set()
        self._under_way: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Traffic {self._rate} req/s: {len(self._under_way)} journeys under way>"

    async def __aenter__(self) -> Self:
        session = aiohttp.ClientSession(
            self._public,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=30),
        )
        self._session = session
        spawn(self._keep_going(session), name="traffic", owner=self._owner)
        spawn(self._report(), name="status line", owner=self._owner)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await cancel_all(self._owner)
        await cancel_all(self._under_way)
        if self._session is not None:
            await self._session.close()

    async def _keep_going(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await asyncio.sleep(due - loop.time())
            self._tally.late = max(self._tally.late, loop.time() - due)
            journey = self._choose(loop.time())
            if len(self._under_way) < MOST_OPEN:
                visitor = Visitor(session, self._tally, self._chance, self._token(loop.time()))
                spawn(_walk(journey, visitor), name="journey", owner=self._under_way)
            else:
                self._tally.held_back += journey.requests
            due += journey.requests / self._rate

    async def _report(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(before + 1 - loop.time())
            now = loop.time()
            click.echo(f"{datetime.now(UTC):%H:%M:%S}  {self._tally.line(now - before)}")
            before = now

    def _choose(self, now: float) -> Journey:
        """Return a journey by weight; one whose pause is not over gives way to the most common one."""
        journey = self._chance.choices(JOURNEYS, [journey.weight for journey in JOURNEYS])[0]
        if now < self._next_allowed.get(journey, now):
            return JOURNEYS[0]
        self._next_allowed[journey] = now + journey.pause
        return journey

    def _token(self, now: float) -> str:
        """Return a token for anyone of the subjects; it is used again until it gets old."""
        number = self._chance.randrange(SUBJECTS)
        token, until = self._known.get(number, ("", 0.0))
        if now >= until:
            name = f"user-{number}"
            pair = self._tokens.pair(sub=name, role="user", plan=PLANS[number % len(PLANS)], client_id=name)
            token = pair.access_token
            self._known[number] = (token, now + TOKEN_SECONDS)
        return token


async def _walk(journey: Journey, visitor: Visitor) -> None:
    await journey.walk(visitor)
