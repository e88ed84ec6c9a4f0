"""v2 as a process of its own."""

import asyncio

import aiohttp

from backends.domain.platform import Settings
from backends.v2 import serve


async def test_it_serves_until_it_is_cancelled(platform_settings: Settings) -> None:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve(platform_settings, port=0, ready=port.set_result))
        address = f"http://127.0.0.1:{await port}"
        async with aiohttp.ClientSession(address) as session, session.get("/health") as response:
            assert response.status == 200
        serving.cancel()
