"""Both backends over one platform, asked the same on each side."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from backends import v1, v2
from backends.domain.faults import Faults
from backends.domain.platform import Platform
from backends.shell.running import listening


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and what a failure says."""

    status: int
    sentence: str


class BothSides:
    """One caller of both, with alice's token."""

    def __init__(self, session: aiohttp.ClientSession, legacy: str, successor: str, tokens: Mapping[str, str]) -> None:
        self._session = session
        self._legacy = legacy
        self._successor = successor
        self._headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        self.refresh_token = tokens["refresh_token"]

    async def of_v1(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """v1's answer."""
        status, answer = await self._asked(method, f"{self._legacy}{path}", body, headers)
        return Answer(status, str(answer.get("detail", "")))

    async def of_v2(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """v2's answer."""
        status, answer = await self._asked(method, f"{self._successor}{path}", body, headers)
        return Answer(status, str(answer.get("error", {}).get("message", "")))

    async def _asked(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        given = URL(url, encoded=True)
        async with self._session.request(method, given, data=body, headers={**self._headers, **headers}) as response:
            return response.status, await response.json()


@asynccontextmanager
async def both_sides(platform: Platform) -> AsyncIterator[BothSides]:
    """Both backends on sockets of their own."""
    faults = Faults(random.Random(1))
    async with AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(listening(application, host="127.0.0.1", port=0))
            for application in (v1.build(platform, faults=faults), v2.build(platform, faults=faults))
        ]
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        legacy, successor = (f"http://127.0.0.1:{port}" for port in ports)
        alice = {"username": "alice", "password": "alice-demo"}
        async with session.post(f"{legacy}/api/auth/login", json=alice) as response:
            tokens = (await response.json())["data"]
        yield BothSides(session, legacy, successor, tokens)
