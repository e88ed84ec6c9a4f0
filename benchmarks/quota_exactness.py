"""`python -m benchmarks.quota_exactness`: two gateways of two workers on one Redis, offered five times the quota.

First with Redis in peace: what is granted is compared with the quota's arithmetic, for an exact quota and a leased one.
Then Redis is stopped for 2 s, killed, and restarted empty, again and again: how much does any window grant?
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from tests.support.offer import Offered, offer
from tests.support.own_redis import OwnRedis
from tests.support.shared_site import PROCESSES, shared_site

EXACT: Final = 0.001
MOST: Final = 1.5
TROUBLE_SECONDS: Final = 10.0


@click.command()
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(min=2), help="Of each part.")
@click.option("--quota", default=200, show_default=True, type=click.IntRange(min=20), help="Requests a second.")
def main(seconds: float, quota: int) -> None:
    """Print what was granted; the exit code says whether all of it keeps what is promised."""
    sys.exit(0 if asyncio.run(_measure(seconds, quota)) else 1)


async def _measure(seconds: float, quota: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return await _in_peace(Path(folder), seconds, quota) and await _in_trouble(Path(folder), seconds, quota)


async def _in_peace(folder: Path, seconds: float, quota: int) -> bool:
    is_kept = True
    async with shared_site(folder, quota=quota, timeout="1s") as site:
        for name in ("exact", "leased"):
            found = await offer(site.ports, f"/{name}", rate=5 * quota, seconds=seconds)
            expected = found.expected(quota)
            allowed = 1 + expected * EXACT
            if name == "leased":
                allowed += PROCESSES * max(1, quota // 10 // PROCESSES)
            _say(name, found)
            click.echo(f"  the quota's arithmetic: {expected:.1f}, {len(found.grants) / expected - 1:+.3%}")
            is_kept &= abs(len(found.grants) - expected) <= allowed and found.errors == 0
    return is_kept


async def _in_trouble(folder: Path, seconds: float, quota: int) -> bool:
    async with shared_site(folder, quota=quota, timeout="50ms") as site:
        seconds = max(seconds, TROUBLE_SECONDS)
        found, _ = await asyncio.gather(
            offer(site.ports, "/outage", rate=5 * quota, seconds=seconds), _trouble(site.redis, seconds)
        )
    most = found.most_in(1.0, after=1.0)
    _say("Redis stopped, killed, emptied", found)
    click.echo(f"  most in any second after the first: {most}, {most / quota:.2f} × the quota")
    click.echo(f"  with the quota that was free at the start: {found.most_in(1.0)}, which may be {2 * quota}")
    return most <= MOST * quota and found.most_in(1.0) <= 2 * quota * 1.25 and found.errors == 0


async def _trouble(redis: OwnRedis, seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds - TROUBLE_SECONDS
    while True:
        await asyncio.sleep(1.5)
        redis.pause()
        await asyncio.sleep(2.0)
        redis.go_on()
        await asyncio.sleep(2.5)
        redis.kill()
        await asyncio.sleep(1.0)
        await asyncio.to_thread(redis.restart)
        await asyncio.sleep(1.0)
        redis.kill()
        await asyncio.to_thread(redis.restart)
        if asyncio.get_running_loop().time() > end:
            return


def _say(name: str, found: Offered) -> None:
    p99, worst = found.percentile(0.99) * 1e3, found.percentile(1) * 1e3
    click.echo(
        f"{name}: {len(found.grants)} granted of {found.statuses.total()}, {found.errors} errors, "
        f"p99 {p99:.0f} ms, at most {worst:.0f} ms"
    )


if __name__ == "__main__":
    main()
