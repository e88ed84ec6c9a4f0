"""A client that reads nothing costs itself and nobody else.

In `make test` for a few seconds among a few. For a minute among a thousand, with the others' latency:
`REALTIME_STALL=60 REALTIME_CLIENTS=1000 make test ARGS="tests/scenarios/realtime/test_stalled.py -n 0 --timeout 600
--log-cli-level INFO"`.
"""

import asyncio
import logging
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.realtime.tacn_server import TacnServer, tacn_server
from tests.scenarios.realtime.test_restarts import RULES, dropped, token
from tests.support.child import Child, gateway_process
from tests.support.client import connected
from tests.support.poll import until
from tests.support.soon import soon
from tests.support.ws_client import WebSocketClient

log = logging.getLogger(__name__)

SECONDS = float(os.environ.get("REALTIME_STALL", "2"))
CLIENTS = int(os.environ.get("REALTIME_CLIENTS", "20"))
IS_WHOLE = CLIENTS >= 1000
PAUSE_SECONDS = 0.5 if IS_WHOLE else 0.1
SYMBOLS = [str(number) for number in range(20)]
SHORT = RULES.replace("  linger: 1s", "  linger: 1s\n  history: {messages: 5, for: 5m}")
"""The history is everybody's; it is kept small so that what is measured is the client's."""
FILLING = "x" * 2000
"""So much a message that a client that does not read is behind after some dozens."""


class Watcher:
    """Follows one symbol and notes how old each message is, in milliseconds."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.offsets: list[int] = []
        self.ages: list[float] = []

    async def watch(self, topic: str) -> None:
        await self.socket.send_str(orjson.dumps({"id": 1, "op": "subscribe", "topics": [topic]}).decode())
        async for message in self.socket:
            frame = orjson.loads(message.data)
            if frame["type"] == "message":
                self.offsets.append(frame["offset"])
                self.ages.append((time.time() - frame["data"]["sent"]) * 1000)


@asynccontextmanager
async def watchers(gateway: Child) -> AsyncIterator[list[Watcher]]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        found, tasks = [], []
        for number in range(CLIENTS):
            headers = {"Authorization": f"Bearer {token(f'user{number}')}"}
            socket = await session.ws_connect(f"http://127.0.0.1:{gateway.public}/ws", headers=headers)
            found.append(Watcher(socket))
            work = found[-1].watch(f"quotes:{SYMBOLS[number % len(SYMBOLS)]}")
            tasks.append(asyncio.get_running_loop().create_task(work))
        yield found
        for watcher in found:
            await watcher.socket.close()
        await asyncio.gather(*tasks)


async def speak(server: TacnServer, seconds: float) -> int:
    """Let every symbol be quoted some times a second; return how often."""
    rounds = max(1, round(seconds / PAUSE_SECONDS))
    for _ in range(rounds):
        await server.say(*map(quote, SYMBOLS))
        await asyncio.sleep(PAUSE_SECONDS)
    return rounds


def quote(symbol: str) -> dict[str, Any]:
    data = {"code": symbol, "sent": time.time(), "filling": FILLING}
    return {"type": "quote_update", "channel": "quotes", "timestamp": 1, "data": data}


async def test_one_that_reads_nothing_is_conflated_and_the_others_get_everything_in_time(tmp_path: Path) -> None:
    async with tacn_server() as server:
        text = SHORT.replace("PORT", str(server.port))
        async with gateway_process(tmp_path, text) as gateway, watchers(gateway) as others:
            assert await soon(lambda: len(server.held) == len(SYMBOLS), 30)
            before = await heard(server, others, SECONDS)
            async with connected(gateway.public) as raw:
                await fall_asleep(WebSocketClient(raw._reader, raw._writer))
                resident = gateway.resident_bytes()
                stalled = await heard(server, others, max(SECONDS, 6.0))
                grown = gateway.resident_bytes() - resident
            after = await heard(server, others, SECONDS)
            for watcher in others:
                assert watcher.offsets == list(range(1, len(watcher.offsets) + 1))
            assert grown < 8 << 20
            report(before, stalled, after)


async def heard(server: TacnServer, watchers: list[Watcher], seconds: float) -> list[float]:
    """Let the server speak, and return how old the messages were when the watchers had them: each got all of them."""
    known = [len(watcher.ages) for watcher in watchers]
    said = await speak(server, seconds)
    assert await soon(
        lambda: all(len(watcher.ages) == start + said for start, watcher in zip(known, watchers, strict=True)), 30
    )
    return [age for start, watcher in zip(known, watchers, strict=True) for age in watcher.ages[start:]]


async def fall_asleep(client: WebSocketClient) -> None:
    """Subscribe to everything, and read nothing any more; a feed that comes up later has been waited for."""
    assert await client.open(fields={"Authorization": f"Bearer {token('sleeper')}"}) == 101
    await client.say({"id": 2, "op": "subscribe", "topics": [f"quotes:{symbol}" for symbol in SYMBOLS]})
    reply = await client.hear_type("reply")
    if reply["result"]["subscribed"]["quotes:1"]["state"] == "stale":
        await client.hear_type("status")
    client.stop_reading()


def report(before: list[float], stalled: list[float], after: list[float]) -> None:
    """Compare the others' latencies; a few clients on a busy machine prove nothing: only the whole size is held to it.

    They include the queue of the clients' own process, and whatever else the machine does: hence twice without.
    """
    calm, busy = (p99(before), p99(after)), p99(stalled)
    log.info("p99 of %d: %.1f ms, %.1f ms with one that reads nothing, then %.1f ms", CLIENTS, calm[0], busy, calm[1])
    if IS_WHOLE:
        assert busy <= 1.5 * max(calm) + 5


def p99(ages: list[float]) -> float:
    return statistics.quantiles(ages, n=100)[98]


async def test_what_it_missed_is_counted_and_it_goes_on_with_the_newest_when_it_reads_again(tmp_path: Path) -> None:
    async with tacn_server() as server:
        text = SHORT.replace("PORT", str(server.port))
        async with gateway_process(tmp_path, text) as gateway, connected(gateway.public) as raw:
            stalled = WebSocketClient(raw._reader, raw._writer)
            await fall_asleep(stalled)
            for _ in range(60):
                await server.say(*map(quote, SYMBOLS))
            transport = raw._writer.transport
            assert isinstance(transport, asyncio.Transport)
            await server.say(*map(quote, SYMBOLS))
            transport.resume_reading()
            newest: dict[str, int] = {}
            while set(newest.values()) != {61} or len(newest) < len(SYMBOLS):
                frame = await stalled.hear_type("message")
                assert frame["offset"] > newest.get(frame["topic"], 0)
                newest[frame["topic"]] = frame["offset"]

            async def is_counted() -> bool:
                return await dropped(gateway, "conflated") > 0

            await until(is_counted)
