"""Aborts at random points, by either side, leak no connection, task, descriptor or byte into another's answer."""

import asyncio
import itertools
import json
import random
from contextlib import suppress
from pathlib import Path

from tests.conformance.corpus.strict import Request
from tests.support.child import OPS, gateway_process
from tests.support.client import ask, connected
from tests.support.echo import Echo, Refusal, echoed
from tests.support.gateway import plain, running
from tests.support.poll import until
from tests.support.soon import soon

ROUNDS = 200
CANARY_EVERY = 10
AT_ONCE = 8
CONFIGURATION = {"upstream": "    max_connections: 6\n    ejection: {consecutive_errors: 1000000, for: 1s}"}


class Chaos:
    """Plans what the upstream does with each request; canaries are always answered."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def plan(self, request: Request) -> float | bytes | Refusal:
        if b"/canary/" in request.target:
            return 0.0
        whole = echoed(request)
        part = whole[: self._chance.randrange(len(whole))]
        is_reset = self._chance.random() < 0.5
        choices: list[float | bytes | Refusal] = [
            0.0,
            0.0,
            0.02,
            Refusal(is_reset=is_reset),
            Refusal(part, is_reset=is_reset),
            Refusal(whole, is_reset=is_reset),
            whole + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
            b"\x00garbage\r\n\r\n",
        ]
        return self._chance.choice(choices)


def _requests(chance: random.Random, number: int) -> tuple[bytes, list[str]]:
    """Return one to three pipelined requests and their targets."""
    data, targets = b"", []
    for part in range(chance.choice([1, 1, 3])):
        target = f"/api/chaos/{number}/{part}"
        body = chance.randbytes(chance.choice([0, 10, 70_000]))
        head = f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        data += (
            (head.encode() + body) if chance.random() < 0.5 else f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        )
        targets.append(target)
    return data, targets


async def _misbehave(port: int, chance: random.Random, number: int) -> None:
    """Send all or a part, in pieces; read all, some or nothing; leave. Every whole answer must be the own."""
    data, targets = _requests(chance, number)
    if chance.random() < 0.4:
        data = data[: chance.randrange(len(data))]
    async with connected(port) as client:
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            middle = chance.randrange(len(data) + 1)
            await client.send(data[:middle])
            await asyncio.sleep(chance.choice([0, 0, 0.002]))
            await client.send(data[middle:])
            async with asyncio.timeout(chance.choice([0, 0.005, 0.3])):
                for target in targets:
                    answer = await client.answer()
                    if answer.is_complete and answer.status == 200:
                        assert json.loads(answer.body)["target"] == target


async def _canary(port: int, number: int) -> None:
    answer = await ask(port, f"/api/canary/{number}")
    assert (answer.status, answer.is_complete) == (200, True), answer
    assert answer.json()["target"] == f"/api/canary/{number}"


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_random_aborts_leak_nothing(tmp_path: Path) -> None:
    chance, numbers = random.Random(1), itertools.count()
    async with Echo(Chaos(1).plan) as v1, running(tmp_path, plain(v1.origin, **CONFIGURATION)) as gateway:
        await _canary(gateway.public_port, next(numbers))
        tasks, descriptors = len(asyncio.all_tasks()), _descriptors() - 2 * len(v1.links)

        async def one() -> None:
            number = next(numbers)
            if number % CANARY_EVERY == 0:
                await _canary(gateway.public_port, number)
            else:
                await _misbehave(gateway.public_port, chance, number)

        for _ in range(ROUNDS // AT_ONCE):
            async with asyncio.timeout(20):
                await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        for _ in range(20):
            await _canary(gateway.public_port, next(numbers))

        async def is_at_rest() -> bool:
            text = (await ask(gateway.admin_port, "/metrics")).body.decode()
            active = 'crossfade_upstream_connections{state="active",upstream="v1"}'
            found = [line for line in text.splitlines() if line.startswith(active)]
            return [float(line.rpartition(" ")[2]) for line in found] == [0]

        await until(is_at_rest)
        assert len(v1.links) <= 6
        assert await soon(lambda: len(asyncio.all_tasks()) <= tasks), [task.get_name() for task in asyncio.all_tasks()]
        assert await soon(lambda: _descriptors() - 2 * len(v1.links) <= descriptors)


async def test_random_aborts_leak_nothing_on_the_loop_of_production(tmp_path: Path) -> None:
    chance, numbers = random.Random(3), itertools.count()
    async with Echo(Chaos(3).plan) as v1, gateway_process(tmp_path, plain(v1.origin, **CONFIGURATION)) as child:
        for _ in range(10):
            await _canary(child.public, next(numbers))
        descriptors = child.descriptors() - len(v1.links)
        for turn in range(ROUNDS // 2 // AT_ONCE):
            async with asyncio.timeout(20):
                await asyncio.gather(*(_misbehave(child.public, chance, next(numbers)) for _ in range(AT_ONCE)))
                await _canary(child.public, turn)

        async def is_at_rest() -> bool:
            status = (await ask(child.admin, "/api/status", fields=OPS)).json()
            (worker,) = status["workers"]
            upstream = status["upstreams"]["v1"]
            counts = worker["open_requests"], worker["connections"], upstream["active"], upstream["queued"]
            return counts == (0, 0, 0, 0)

        await until(is_at_rest)
        assert len(v1.links) <= 6
        assert await soon(lambda: child.descriptors() - len(v1.links) <= descriptors)
