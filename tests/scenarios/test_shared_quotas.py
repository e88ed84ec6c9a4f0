"""The promise that a quota means one number, however many gateways count it, and whatever becomes of Redis.

`python -m benchmarks.quota_exactness` is the same at full length.
"""

import asyncio
from pathlib import Path

from tests.support.offer import offer
from tests.support.shared_site import PROCESSES, SharedSite, shared_site

QUOTA = 200
OFFERED = 5 * QUOTA


async def test_two_gateways_of_two_workers_grant_what_the_quota_says_with_and_without_redis(tmp_path: Path) -> None:
    async with shared_site(tmp_path, quota=QUOTA, timeout="250ms") as site:
        await _grants_exactly(site)
        await _grants_within_the_leases(site)
        await _outlives_redis(site)


async def _grants_exactly(site: SharedSite) -> None:
    found = await offer(site.ports, "/exact", rate=OFFERED, seconds=2.0)
    # A machine that stands still for longer than the timeout costs some of the exactness, and is told of.
    has_failed = await site.metric("crossfade_quota_fallbacks_total") > 0
    expected, unsure = found.expected(QUOTA), QUOTA * found.blur
    assert abs(len(found.grants) - expected) <= 1 + unsure + expected * (0.05 if has_failed else 0.001)
    assert found.errors == 0


async def _grants_within_the_leases(site: SharedSite) -> None:
    found = await offer(site.ports, "/leased", rate=OFFERED, seconds=1.0)
    bound = PROCESSES * (QUOTA // 10 // PROCESSES)
    assert abs(len(found.grants) - found.expected(QUOTA)) <= 2 + bound
    assert found.errors == 0


async def _outlives_redis(site: SharedSite) -> None:
    found, _ = await asyncio.gather(offer(site.ports, "/outage", rate=OFFERED, seconds=5.0), _trouble(site))
    assert found.errors == 0
    # The first window holds the quota that was free at the start as well.
    assert found.most_in(1.0, after=1.0) <= 1.5 * QUOTA
    assert 0.8 * found.expected(QUOTA) <= len(found.grants) <= 1.1 * found.expected(QUOTA)
    assert await site.metric("crossfade_quota_fallbacks_total") >= 2 * PROCESSES
    assert await site.metric("crossfade_redis_up") == len(site.gateways)


async def _trouble(site: SharedSite) -> None:
    await asyncio.sleep(0.8)
    site.redis.pause()
    await asyncio.sleep(0.8)
    site.redis.go_on()
    await asyncio.sleep(1.8)
    site.redis.kill()
    await asyncio.sleep(0.2)
    await asyncio.to_thread(site.redis.restart)
