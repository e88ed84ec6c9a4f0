"""Both backends as processes over one MongoDB (here a MongoDB-wire stand-in): what one writes, the other shows."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.backends.conftest import JWT_SECRET

PROGRAM = """
import asyncio, sys
from backends.domain.platform import Settings
from backends.{side} import serve
# Few k-lines, because the stand-in inserts slowly.
settings = Settings(*sys.argv[1:], seed_days=3)
asyncio.run(serve(settings, port=0, ready=lambda port: print(port, flush=True)))
"""


@asynccontextmanager
async def running(side: str, *settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """One side; terminated at the end, which must be a clean one."""
    program = PROGRAM.format(side=side)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *settings, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
        process.terminate()
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def address(process: asyncio.subprocess.Process) -> str:
    """Where it serves, once it does."""
    assert process.stdout is not None
    return f"http://127.0.0.1:{int(await process.stdout.readline())}"


async def test_a_favourite_added_on_v1_is_on_v2s_watchlist(mongo_url: str, redis_url: str) -> None:
    settings = (mongo_url, redis_url, JWT_SECRET)
    async with (
        asyncio.timeout(60),
        running("v1", *settings) as legacy,
        running("v2", *settings) as successor,
        aiohttp.ClientSession(raise_for_status=True) as session,
    ):
        v1, v2 = await address(legacy), await address(successor)
        login = await session.post(f"{v1}/api/auth/login", json={"username": "bob", "password": "bob-demo"})
        headers = {"Authorization": f"Bearer {(await login.json())['data']['access_token']}"}
        await session.post(f"{v1}/api/favorites", json={"stock_code": "600519"}, headers=headers)
        watchlist = await (await session.get(f"{v2}/api/v2/watchlist", headers=headers)).json()
        assert [(item["symbol"], item["name"]) for item in watchlist["data"]] == [("600519", "贵州茅台")]
