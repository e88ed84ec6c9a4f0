"""v1 as a process: says where it listens, and stops gracefully."""

import asyncio
import signal
import sys

import aiohttp
import pytest

from backends.domain.platform import Settings
from backends.v1 import serve
from tests.backends.v1.legacy import Legacy

PROGRAM = """
import asyncio, sys
from backends.domain.platform import Settings
from backends.v1 import serve
settings = Settings(*sys.argv[1:4])
asyncio.run(serve(settings, port=0, ready=lambda port: print(port, flush=True)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_open_streams_properly_and_the_process(
    number: signal.Signals, platform_settings: Settings
) -> None:
    given = (platform_settings.store_url, platform_settings.redis_url, platform_settings.jwt_secret)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *given, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            bob = await Legacy(session).login("bob")
            async with bob.events("/api/stream/queue") as events:
                await events.next()
                process.send_signal(number)
                assert await events.rest() == []
        async with asyncio.timeout(8):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_cancellation_closes_the_listener(platform_settings: Settings) -> None:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve(platform_settings, port=0, ready=port.set_result))
        async with aiohttp.ClientSession() as session:
            address = f"http://127.0.0.1:{await port}"
            assert (await session.get(f"{address}/api/health")).status == 200
            serving.cancel()
            await asyncio.wait({serving})
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"{address}/api/health")
