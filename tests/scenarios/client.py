"""A legacy client: it knows the old paths and shapes, and nothing of any gateway."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
from yarl import URL

PLANS = {"alice": "pro", "bob": "free", "carol": "beta"}


@dataclass(frozen=True)
class Answer:
    """What came back: status, lower-case header names, and the body parsed where it is JSON."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None


@dataclass
class Client:
    """Calls `base` as one of the platform's users, whose tokens it signs with the platform's secret."""

    session: aiohttp.ClientSession
    base: str
    legacy: str
    secret: str
    headers: dict[str, str] = field(default_factory=dict)

    def token(self, user: str) -> str:
        return jwt.encode(self.claims(user), self.secret, "HS256")

    def claims(self, user: str) -> dict[str, Any]:
        now = int(time.time())
        return {
            "sub": user,
            "role": "admin" if user == "alice" else "user",
            "plan": PLANS.get(user, "pro"),
            "client_id": f"{user}-app",
            "iss": "tacn",
            "iat": now,
            "exp": now + 900,
            "jti": f"{user}-{now}",
            "typ": "access",
        }

    async def call(
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        user: str | None = None,
        base: str | None = None,
        headers: dict[str, str] | None = None,
        is_raw: bool = False,
    ) -> Answer:
        """Send one request to the gateway, or to another `base`; a raw target goes out as it is written."""
        sent = {**self.headers, **(headers or {})}
        if user is not None:
            sent["Authorization"] = f"Bearer {self.token(user)}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        url = URL(f"{base or self.base}{target}", encoded=is_raw)
        async with self.session.request(method, url, data=data, headers=sent) as response:
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, lower, await response.text())

    async def at_legacy(self, method: str, target: str, *, body: Any = None, user: str | None = None) -> Any:
        """Call v1 directly, past the gateway; returns its body and insists on success."""
        answer = await self.call(method, target, body=body, user=user, base=self.legacy)
        assert answer.status == 200, f"{method} {target} at v1: {answer}"
        return answer.body


async def finished_task(client: Client, user: str = "alice") -> str:
    """Start a short analysis at v1 and wait until it is completed; returns its id."""
    body = {"stock_code": "600519", "days": 60}
    started = await client.at_legacy("POST", "/api/analysis/stock", body=body, user=user)
    task = str(started["data"]["task_id"])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = await client.at_legacy("GET", f"/api/analysis/tasks/{task}", user=user)
        if answer["data"]["status"] == "completed":
            return task
        await asyncio.sleep(0.05)
    raise AssertionError(f"task {task} was not finished in time")
