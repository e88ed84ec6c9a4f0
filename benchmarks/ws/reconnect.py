"""1 000 clients leave, 100 messages are said in their topic, and all come back with their positions at once."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.ws.feeder import Feeder
from benchmarks.ws.parts import SERVER_CORE
from benchmarks.ws.subject import Ours, stamped

CLIENTS = 1000
GAP = 100
TOPIC = "quotes:S0"


def reconnect(folder: Path) -> Mapping[str, float]:
    """Return how many messages were lost or doubled, who was not recovered, and how long it took them all."""
    subject = Ours(conflate=False)
    with subject.running(folder, SERVER_CORE) as at:
        assert isinstance(at.publisher, Feeder)
        return asyncio.run(_play(subject, at.port, at.publisher))


async def _play(subject: Ours, port: int, feeder: Feeder) -> Mapping[str, float]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        fields = [{"Authorization": _token(subject, number)} for number in range(CLIENTS)]
        left = await asyncio.gather(*[_leave(session, port, one) for one in fields])
        await asyncio.to_thread(feeder.publish, [("S0", stamped()) for _ in range(GAP)])
        await asyncio.sleep(0.5)
        started = time.monotonic()
        found = await asyncio.gather(
            *[_return(session, port, one, position) for one, position in zip(fields, left, strict=True)]
        )
        seconds = time.monotonic() - started
    lost = sum(GAP - len(set(offsets)) for offsets, _ in found)
    doubled = sum(len(offsets) - len(set(offsets)) for offsets, _ in found)
    unordered = sum(offsets != sorted(offsets) for offsets, _ in found)
    return {
        "lost": lost,
        "doubled": doubled + unordered,
        "not_recovered": sum(not is_recovered for _, is_recovered in found),
        "seconds": seconds,
    }


def _token(subject: Ours, number: int) -> str:
    head, _ = subject.client(number, ["S0"])
    return next(line[15:] for line in head.decode().split("\r\n") if line.startswith("Authorization: "))


async def _leave(session: aiohttp.ClientSession, port: int, fields: dict[str, str]) -> dict[str, Any]:
    """Subscribe, and go with a position."""
    async with session.ws_connect(f"http://127.0.0.1:{port}/ws", headers=fields) as socket:
        await socket.receive_json()
        await socket.send_str(json.dumps({"id": 1, "op": "subscribe", "topics": [TOPIC]}))
        held = (await socket.receive_json())["result"]["subscribed"][TOPIC]
        return {"epoch": held["epoch"], "offset": held["offset"]}


async def _return(
    session: aiohttp.ClientSession, port: int, fields: dict[str, str], position: dict[str, Any]
) -> tuple[list[int], bool]:
    """Come back with it, and hear what was missed."""
    async with session.ws_connect(f"http://127.0.0.1:{port}/ws", headers=fields) as socket:
        await socket.receive_json()
        topics = [{"topic": TOPIC, "since": position}]
        await socket.send_str(json.dumps({"id": 1, "op": "subscribe", "topics": topics}))
        held = (await socket.receive_json())["result"]["subscribed"][TOPIC]
        offsets = [(await socket.receive_json())["offset"] for _ in range(held.get("replay", 0))]
        return offsets, bool(held.get("recovered"))
