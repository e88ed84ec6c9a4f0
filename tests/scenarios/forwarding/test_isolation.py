"""One hanging upstream does not slow the other's callers."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.support.child import gateway_process
from tests.support.client import connected
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.load import load
from tests.support.soon import soon

HANGING = 200
SLACK_SECONDS = 0.05
"""What two shared cores may add by chance."""


async def test_a_hanging_upstream_does_not_slow_the_others_p99(tmp_path: Path) -> None:
    async with Echo() as v1, Echo(lambda _request: 3600.0) as stuck, AsyncExitStack() as stack:
        text = plain(v1.origin, rest='  - {name: stuck, match: "/stuck/{rest*}", upstream: stuck, auth: none}').replace(
            "upstreams:\n", f"upstreams:\n  stuck: {{endpoints: [{stuck.origin}], max_connections: 64}}\n"
        )
        child = await stack.enter_async_context(gateway_process(tmp_path, text))
        async with load(child.public) as alone:
            await asyncio.sleep(1.5)
        for number in range(HANGING):
            client = await stack.enter_async_context(connected(child.public))
            await client.send(b"GET /stuck/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        assert await soon(lambda: len(stuck.arrived) >= 64)
        async with load(child.public) as beside:
            await asyncio.sleep(1.5)
        assert alone.lost == beside.lost == []
        assert beside.percentile(0.99) < 2 * alone.percentile(0.99) + SLACK_SECONDS
