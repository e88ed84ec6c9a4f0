"""The promise that a percent can be changed as often as one likes, on any gateway, and no request notices.

`python -m benchmarks.changes` is the same at full length: a thousand changes in a minute, and what they cost.
"""

import asyncio
import time
from pathlib import Path

from tests.support.rollout_site import Callers, Site, rollout_site

CHANGES = 60
PERCENTS = (0, 100, 30, 70, 5, 95)


async def test_two_gateways_of_two_workers_lose_no_request_and_mistake_no_side_over_many_changes(
    tmp_path: Path,
) -> None:
    async with rollout_site(tmp_path) as site:
        callers = Callers([gateway.public for gateway in site.gateways], rate=100)
        changes = [(time.monotonic(), 10.0)]
        async with callers.calling():
            for number in range(CHANGES):
                percent = float(PERCENTS[number % len(PERCENTS)])
                changes.append((time.monotonic(), percent))
                status, found = await site.post(number % 2, "set", percent=percent)
                assert (status, found["percent"]) == (200, percent)
                await asyncio.sleep(0.05)
            await _agree(site, changes[-1][1])
            events = (await site.get(1, "/api/events?limit=1000"))["events"]
        assert callers.lost == []
        assert {one.status for one in callers.asked} == {200}
        assert callers.wrong_sided(changes) == []
        assert len(callers.asked) > 200
        assert [event["to"]["percent"] for event in reversed(events)] == [percent for _, percent in changes]
        assert len(await site.leaders()) == 1


async def _agree(site: Site, percent: float) -> None:
    """All gateways go by a change within a second of it."""
    began = time.monotonic()
    for number in range(len(site.gateways)):
        while (await site.get(number, "/api/rollouts/watchlist"))["percent"] != percent:
            assert time.monotonic() - began < 1, f"gateway {number} goes by another percent"
