"""A caller of v1 for tests: checks each answer's envelope and hands out what is inside."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: dict[str, Any]


class Events:
    """An open stream, read one event at a time; comments are counted."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.beats = 0

    async def next(self) -> Event | None:
        """The next event; none: the stream has ended."""
        name, data = "", ""
        while line := await self.response.content.readline():
            text = line.decode().rstrip("\n")
            field, _, value = text.partition(": ")
            if text.startswith(":"):
                self.beats += 1
            elif field == "event":
                name = value
            elif field == "data":
                data += value
            elif not text and name:
                return Event(name, json.loads(data))
        return None

    async def beat(self) -> None:
        """Waits for one comment more."""
        while not (await self.response.content.readline()).startswith(b":"):
            pass
        self.beats += 1

    async def rest(self) -> list[Event]:
        """Every event until the stream ends."""
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events


class Legacy:
    """One client of v1, with a token or without."""

    def __init__(self, session: aiohttp.ClientSession, token: str | None = None) -> None:
        self.session = session
        self.token = token
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def login(self, username: str) -> "Legacy":
        """The same client as a seeded user."""
        data = await self.data("POST", "/api/auth/login", {"username": username, "password": f"{username}-demo"})
        return Legacy(self.session, data["access_token"])

    def with_token(self, token: str) -> "Legacy":
        """The same client with that token."""
        return Legacy(self.session, token)

    async def data(self, method: str, path: str, body: object = None) -> Any:
        """What a success holds."""
        async with self.session.request(method, path, json=body, headers=self._headers) as response:
            answer = await response.json()
        assert response.status == 200, answer
        assert set(answer) == {"success", "data", "message"}
        assert (answer["success"], answer["message"]) == (True, "ok")
        return answer["data"]

    async def detail(self, status: int, method: str, path: str, body: object = None) -> str:
        """What a failure of that status says."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        async with self.session.request(method, path, data=raw and io.BytesIO(raw), headers=self._headers) as response:
            answer = await response.json()
        assert response.status == status, answer
        assert set(answer) == {"detail"}
        assert isinstance(answer["detail"], str)
        return str(answer["detail"])

    async def refused(self, method: str, path: str) -> aiohttp.ClientResponse:
        """A raw answer, for its headers."""
        async with self.session.request(method, path, headers=self._headers) as response:
            await response.read()
            return response

    @asynccontextmanager
    async def events(self, path: str) -> AsyncIterator[Events]:
        """An open stream."""
        async with self.session.get(path, headers=self._headers) as response:
            assert response.status == 200, await response.text()
            yield Events(response)

    async def finish(self, task_id: str) -> Event:
        """Follows a task to its end."""
        async with self.events(f"/api/stream/analysis/{task_id}") as events:
            return (await events.rest())[-1]
