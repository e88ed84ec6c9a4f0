"""POST, PUT, PATCH and DELETE never arrive twice; a GET on a connection that had gone stale is tried once more."""

import asyncio
import random
from collections import Counter
from pathlib import Path

from tests.conformance.corpus.strict import Request
from tests.support.child import gateway_process
from tests.support.client import ask
from tests.support.echo import Echo, Refusal
from tests.support.gateway import plain
from tests.support.load import Load, load

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
CONFIGURATION = {
    "upstream": "    retries: {attempts: 1, budget: 100}\n    ejection: {consecutive_errors: 1000000, for: 1s}"
}


def _doubled(echo: Echo) -> Counter[tuple[str, str]]:
    return Counter({call: count for call, count in echo.arrived.items() if count > 1})


def _unanswered(running: Load) -> list[str]:
    """Return what was lost, apart from the 502s that an upstream which leaves makes unavoidable."""
    return [loss for loss in running.lost if ": 502 " not in loss]


async def test_nothing_arrives_twice_when_the_upstream_closes_idle_connections_at_random(
    tmp_path: Path,
) -> None:
    chance = random.Random(7)
    async with Echo() as v1:
        v1.linger = lambda: chance.choice([0.0, 0.001, 0.002, 0.005, 0.008])
        async with (
            gateway_process(tmp_path, plain(v1.origin, **CONFIGURATION)) as child,
            load(child.public, methods=UNSAFE, clients=8, pause=0.002) as running,
        ):
            while len(running.seconds) < 1500:
                await _breathe()
        assert not _doubled(v1)
        assert _unanswered(running) == []
        assert {v1.arrived[call] for call, status in running.answered.items() if status == 200} == {1}


async def test_nothing_arrives_twice_when_the_upstream_reads_the_request_and_leaves(tmp_path: Path) -> None:
    chance = random.Random(8)

    def plan(_request: Request) -> float | Refusal:
        return Refusal(is_reset=chance.random() < 0.5) if chance.random() < 0.2 else 0.0

    async with Echo(plan) as v1:
        async with (
            gateway_process(tmp_path, plain(v1.origin, **CONFIGURATION)) as child,
            load(child.public, methods=UNSAFE, clients=8, pause=0.002) as running,
        ):
            while len(running.seconds) < 1000:
                await _breathe()
        assert not _doubled(v1)
        assert _unanswered(running) == []


async def test_a_get_on_a_stale_connection_is_tried_once_more(tmp_path: Path) -> None:
    async with Echo() as v1, gateway_process(tmp_path, plain(v1.origin, **CONFIGURATION)) as child:
        for number in range(20):
            assert (await ask(child.public, f"/api/warm/{number}")).status == 200
            opened = v1.opened
            v1.plan = lambda request, link=opened: Refusal() if v1.opened == link else 0.0
            assert (await ask(child.public, f"/api/stale/{number}")).status == 200
            assert (v1.arrived["GET", f"/api/stale/{number}"], v1.opened) == (2, opened + 1)
            v1.plan = lambda _request: 0.0


async def test_a_post_on_a_stale_connection_is_not_tried_again(tmp_path: Path) -> None:
    async with Echo() as v1, gateway_process(tmp_path, plain(v1.origin, **CONFIGURATION)) as child:
        assert (await ask(child.public, "/api/warm")).status == 200
        v1.plan = lambda _request: Refusal()
        assert (await ask(child.public, "/api/stale", "POST", body=b"hello")).status == 502
        assert v1.arrived["POST", "/api/stale"] == 1


async def test_a_get_is_not_tried_a_third_time(tmp_path: Path) -> None:
    async with Echo() as v1, gateway_process(tmp_path, plain(v1.origin, **CONFIGURATION)) as child:
        assert (await ask(child.public, "/api/warm")).status == 200
        v1.plan = lambda _request: Refusal()
        assert (await ask(child.public, "/api/stale")).status == 502
        assert v1.arrived["GET", "/api/stale"] <= 2


async def _breathe() -> None:
    await asyncio.sleep(0.05)
