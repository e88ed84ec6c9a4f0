"""A caller of v2 for tests: holds each answer against the contract and hands out what is inside."""

import json
from typing import Any

import aiohttp

from tests.backends.v2.contract import Contract
from tests.backends.v2.talk import Talk


class Caller:
    """One client of v2, with a token or without."""

    def __init__(self, session: aiohttp.ClientSession, contract: Contract, token: str | None = None) -> None:
        self.session = session
        self.contract = contract
        self.token = token
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def login(self, username: str) -> "Caller":
        """The same client as a seeded user."""
        data = await self.data("POST", "/api/v2/auth/login", {"username": username, "password": f"{username}-demo"})
        return self.with_token(data["accessToken"])

    def with_token(self, token: str) -> "Caller":
        """The same client with that token."""
        return Caller(self.session, self.contract, token)

    async def data(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        """What a success holds."""
        answer = await self.answer(status, method, path, body)
        assert answer["success"] is True
        return answer["data"]

    async def error(self, status: int, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What a failure says."""
        answer = await self.answer(status, method, path, body)
        assert answer["success"] is False
        error: dict[str, Any] = answer["error"]
        return error

    async def answer(self, status: int, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The whole answer; `bytes` are sent as they are."""
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        async with self.session.request(method, path, data=raw, headers=self.headers) as response:
            answer: dict[str, Any] = await response.json()
        assert response.status == status, answer
        self.contract.check(method, path, status, answer)
        return answer

    async def talk(self, query: str = "", **options: Any) -> Talk:
        """An open WebSocket; without a query the token is in the header."""
        headers = {} if query else self.headers
        return Talk(await self.session.ws_connect(f"/ws{query}", headers=headers, protocols=("tacn.v2",), **options))
