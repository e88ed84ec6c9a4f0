"""One task's progress over both doors, whichever side it comes from: real backends, a whole gateway."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.scenarios.client import Client
from tests.scenarios.conftest import SECRET, Backends, Gateway, start_gateway

TOPIC = 'analysis:      {match: "analysis:{task}", authorize: upstream'


@pytest.fixture(params=[0, 100])
def percent(request: pytest.FixtureRequest) -> int:
    """All tasks are heard from v1, or all from v2."""
    return int(request.param)


@pytest.fixture
def gateway(percent: int, backends: Backends, tmp_path: Path) -> Iterator[Gateway]:
    """The reference gateway, with a migration for tasks."""
    found = start_gateway(backends, tmp_path, percent)
    try:
        text = found.config.read_text()
        assert TOPIC in text
        after = len(found.process.lines)
        found.config.write_text(text.replace(TOPIC, f"{TOPIC}, migration: analysis"))
        found.process.find(r"revision 2|Snapshot 2", after=after)
        yield found
    finally:
        found.process.stop()


@asynccontextmanager
async def legacy_client(gateway: Gateway, backends: Backends) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, gateway.public, backends.v1, SECRET)


async def events(client: Client, task: str) -> list[tuple[str, dict[str, Any]]]:
    """Follow a task to its end."""
    headers = {"Authorization": f"Bearer {client.token('alice')}"}
    async with client.session.get(f"{client.base}/api/stream/analysis/{task}", headers=headers) as response:
        assert response.status == 200, await response.text()
        text = await response.text()
    found = re.findall(r"event: (\w+)\ndata: (.*)\n", text)
    return [(name, json.loads(data)) for name, data in found]


async def messages(client: Client, task: str) -> list[dict[str, Any]]:
    """Follow a task over the WebSocket."""
    headers = {"Authorization": f"Bearer {client.token('alice')}"}
    heard = []
    async with client.session.ws_connect(f"{client.base}/ws", headers=headers) as socket:
        await socket.send_json({"id": 1, "op": "subscribe", "topics": [f"analysis:{task}"]})
        async for message in socket:
            frame = json.loads(message.data)
            if frame["type"] == "message":
                heard.append(frame["data"])
            if frame["type"] == "complete":
                break
    return heard


async def test_a_task_is_followed_to_its_end_over_both_doors(
    percent: int, gateway: Gateway, backends: Backends
) -> None:
    async with legacy_client(gateway, backends) as client, asyncio.timeout(60):
        body = {"stock_code": "600519", "days": 60}
        started = await client.call("POST", "/api/analysis/stock", body=body, user="alice")
        task = started.body["data"]["task_id"]
        streamed, heard = await asyncio.gather(events(client, task), messages(client, task))
        assert streamed[-1][0] == "complete"
        assert {"task_id": task, "status": "completed", "progress": 100}.items() <= streamed[-1][1].items()
        assert all(data["status"] in {"queued", "processing"} for name, data in streamed if name == "progress")
        assert ("stock_code" in streamed[-1][1]) == (percent == 0), "only v1's own events have it"
        assert {"taskId": task, "status": "completed", "progress": 100}.items() <= heard[-1].items()
        again = await client.call("GET", f"/api/stream/analysis/{task}", user="alice")
        assert again.status == 204
        others = await client.call("GET", f"/api/stream/analysis/{task}", user="bob")
        assert others.status == 404
