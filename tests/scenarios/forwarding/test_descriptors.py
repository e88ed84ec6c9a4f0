"""Out of file descriptors the gateway does not spin, serves whom it has, and recovers by itself."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.support.child import gateway_process
from tests.support.client import ask, connected
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.poll import until

DESCRIPTORS = 100
REQUEST = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_running_out_of_descriptors_is_survived_without_spinning(tmp_path: Path) -> None:
    async with Echo() as v1, gateway_process(tmp_path, plain(v1.origin), descriptors=DESCRIPTORS) as child:
        async with connected(child.public) as old, AsyncExitStack() as stack:
            await old.send(REQUEST)
            assert (await old.answer()).status == 200
            for _ in range(2 * DESCRIPTORS):
                await stack.enter_async_context(connected(child.public))
            await asyncio.sleep(0.3)
            before = child.cpu_seconds()
            await asyncio.sleep(1)
            assert child.cpu_seconds() - before < 0.25
            await old.send(REQUEST)
            async with asyncio.timeout(5):
                assert (await old.answer()).status == 200

        async def is_served() -> bool:
            try:
                async with asyncio.timeout(2):
                    return (await ask(child.public, "/api/y")).status == 200
            except (OSError, asyncio.IncompleteReadError):
                return False

        await until(is_served, 5)
        assert child.descriptors() < DESCRIPTORS // 2
        assert child.log.stat().st_size < 100_000
