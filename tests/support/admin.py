"""Calling the admin API of a gateway inside the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from gateway.core.clock import Clock
from gateway.server.gateway import Gateway
from tests.support.gateway import running

OPS = {"Authorization": "Bearer ops-token-for-tests"}
EYES = {"Authorization": "Bearer eyes-token-for-tests"}


class Admin:
    """Calls the admin API."""

    def __init__(self, gateway: Gateway, session: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self._session = session

    async def get(self, path: str, token: dict[str, str] = EYES) -> tuple[int, Any]:
        return await self._call("GET", path, token)

    async def post(self, path: str, token: dict[str, str] = OPS, **body: Any) -> tuple[int, Any]:
        return await self._call("POST", path, token, json=body)

    async def delete(self, path: str, token: dict[str, str] = OPS, **body: Any) -> tuple[int, Any]:
        return await self._call("DELETE", path, token, json=body) if body else await self._call("DELETE", path, token)

    async def raw(self, path: str, body: bytes) -> tuple[int, Any]:
        return await self._call("POST", path, OPS, data=body)

    async def _call(self, method: str, path: str, token: dict[str, str], **more: Any) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self.gateway.admin_port}{path}"
        async with self._session.request(method, url, headers=token, **more) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def admin_of(folder: Path, text: str, clock: Clock | None = None) -> AsyncIterator[Admin]:
    """Run a gateway with this configuration, and call it."""
    async with running(folder, text, clock=clock) as gateway, aiohttp.ClientSession() as session:
        yield Admin(gateway, session)
