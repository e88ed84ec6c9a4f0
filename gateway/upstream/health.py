"""Active health checks."""

import asyncio
from typing import Never

import aiohttp
from yarl import URL

from gateway.config.schema import Health
from gateway.upstream.replica import Replica


async def watch(replica: Replica, settings: Health, session: aiohttp.ClientSession) -> Never:
    """Ask the replica's health path every `interval` seconds, for ever."""
    while True:
        passed = await is_alive(replica, settings, session)
        replica.note_check(passed, healthy=settings.healthy, unhealthy=settings.unhealthy)
        await asyncio.sleep(settings.interval)


async def is_alive(replica: Replica, settings: Health, session: aiohttp.ClientSession) -> bool:
    """Return whether the health path answers 200–299 in time. It never raises for a backend that is down."""
    url = URL.build(
        scheme=replica.origin.scheme, authority=replica.origin.raw_authority, path=settings.path, encoded=True
    )
    try:
        async with (
            asyncio.timeout(settings.timeout),
            session.get(url, allow_redirects=False, headers={"Connection": "close"}) as response,
        ):
            return 200 <= response.status <= 299
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
