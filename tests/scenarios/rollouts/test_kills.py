"""The promise that whatever is killed, nothing that was acknowledged is lost, and traffic goes on.

Killed with SIGKILL, one after the other, while callers ask: a worker, MongoDB (the wire stand-in, on a file), Redis,
and the supervisor of the gateway that leads.
"""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.support.poll import until
from tests.support.rollout_site import Callers, Site, rollout_site

RAMP = "ramp: {steps: [10, 50, 100], bake: 1h, interval: 1s}"


class Operator:
    """Sets percents, and remembers those that were acknowledged."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._next = 20
        self.acknowledged: list[float] = []

    async def set(self, gateway: int) -> int:
        """Set the next percent, and return the status."""
        self._next += 1
        status, found = await self._site.post(gateway, "set", percent=self._next)
        if status == 200:
            assert found["percent"] == self._next
            self.acknowledged.append(float(self._next))
        return status


async def test_nothing_that_was_acknowledged_is_lost_and_traffic_goes_on(tmp_path: Path) -> None:
    async with rollout_site(tmp_path, rollout=RAMP) as site:
        operator = Operator(site)
        callers = Callers([gateway.public for gateway in site.gateways], rate=60)
        await until(lambda: _has_leader(site))
        async with callers.calling():
            assert await operator.set(0) == 200
            await _kill_a_worker(site, operator)
            await _kill_mongo(site, operator)
            await _kill_redis(site, operator)
            assert _refused(callers) == []
            survivor = await _kill_the_leader(site, operator)
            answered = len(callers.asked)
            callers.ports = [site.gateways[survivor].public]
            await until(lambda: _has_grown(callers, answered + 30))
        assert {one.status for one in callers.asked} == {200}
        # Only what was under way on a connection of somebody who was killed can be lost.
        assert len(callers.lost) <= 8 * len(site.gateways) + 8
        events = (await site.get(survivor, "/api/events?limit=1000"))["events"]
        numbers = [event["number"] for event in reversed(events)]
        assert numbers == list(range(1, len(events) + 1))
        kept = [event["to"]["percent"] for event in reversed(events) if event["what"] == "set"]
        assert [percent for percent in kept if percent in operator.acknowledged] == operator.acknowledged


async def _kill_a_worker(site: Site, operator: Operator) -> None:
    (worker, _) = (await site.get(0, "/api/status"))["workers"]
    os.kill(worker["pid"], signal.SIGKILL)

    async def is_replaced() -> bool:
        workers = (await site.get(0, "/api/status"))["workers"]
        return [found["state"] for found in workers] == ["serving"] * 2 and worker["pid"] not in _pids(workers)

    await until(is_replaced)
    assert await operator.set(0) == 200


async def _kill_mongo(site: Site, operator: Operator) -> None:
    await asyncio.to_thread(site.mongo.kill)
    assert await operator.set(0) == 503
    assert (await site.get(0, "/api/rollouts/watchlist"))["percent"] == operator.acknowledged[-1]
    await asyncio.to_thread(site.mongo.start)

    async def is_back() -> bool:
        return await operator.set(1) == 200

    await until(is_back)


async def _kill_redis(site: Site, operator: Operator) -> None:
    site.redis.kill()
    for gateway in (0, 1):
        assert await operator.set(gateway) == 200
    await asyncio.to_thread(site.redis.restart)


async def _kill_the_leader(site: Site, operator: Operator) -> int:
    """The other one leads within ten seconds, with a higher fence; returns which that is."""
    await until(lambda: _has_leader(site))
    (leader,) = await site.leaders()
    other = 1 - leader
    before = (await site.get(leader, "/api/status"))["control"]["controller"]["fence"]
    site.gateways[leader].process.kill()
    began = time.monotonic()

    async def has_taken_over() -> bool:
        return bool((await site.get(other, "/api/status"))["control"]["controller"]["leads"])

    await until(has_taken_over)
    assert time.monotonic() - began < 10
    assert (await site.get(other, "/api/status"))["control"]["controller"]["fence"] > before
    assert await operator.set(other) == 200
    return other


async def _has_leader(site: Site) -> bool:
    return len(await site.leaders()) == 1


async def _has_grown(callers: Callers, count: int) -> bool:
    return len(callers.asked) >= count


def _refused(callers: Callers) -> list[Any]:
    return [one for one in callers.asked if one.status != 200]


def _pids(workers: list[dict[str, Any]]) -> set[int]:
    return {worker["pid"] for worker in workers}
