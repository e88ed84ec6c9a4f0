"""What is seen of the upstreams: connections by state, health and ejection by endpoint."""

import asyncio
from pathlib import Path
from typing import Any

from gateway.server.gateway import Gateway
from tests.support.client import ask, connected
from tests.support.gateway import plain, running
from tests.support.poll import until
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream

OPS = {"Authorization": "Bearer ops-token-for-tests"}
REQUEST = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"


async def _states(gateway: Gateway) -> dict[str, float]:
    """Return the connections of v1 by state, as Prometheus sees them."""
    page = (await ask(gateway.admin_port, "/metrics")).body.decode()
    found = {}
    for line in page.splitlines():
        if line.startswith("crossfade_upstream_connections{") and 'upstream="v1"' in line:
            labels, _, value = line.rpartition(" ")
            found[labels.split('state="')[1].split('"')[0]] = float(value)
    return found


async def _upstream(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(gateway.admin_port, "/api/status", fields=OPS)).json()["upstreams"]["v1"]
    return found


async def test_connections_are_seen_as_active_queued_and_idle(tmp_path: Path) -> None:
    answer = asyncio.Event()

    async def waiting(_received: Received, peer: Peer) -> bool:
        await answer.wait()
        await peer.send(OK)
        return True

    async with (
        ScriptedUpstream(waiting) as v1,
        running(tmp_path, plain(v1.origin, upstream="    max_connections: 1\n    connect_timeout: 10s")) as gateway,
        connected(gateway.public_port) as one,
        connected(gateway.public_port) as two,
    ):
        await one.send(REQUEST)
        await two.send(REQUEST)

        async def is_queued() -> bool:
            return await _states(gateway) == {"active": 1, "idle": 0, "queued": 1}

        await until(is_queued)
        status = await _upstream(gateway)
        assert (status["active"], status["queued"]) == (1, 1)
        answer.set()
        assert {(await client.answer()).status for client in (one, two)} == {200}
        assert await _states(gateway) == {"active": 0, "idle": 1, "queued": 0}
        assert (await _upstream(gateway))["endpoints"][0]["idle"] == 1


async def test_an_ejected_endpoint_is_seen(tmp_path: Path) -> None:
    async def dying(_received: Received, _peer: Peer) -> bool:
        return False

    extra = "    ejection: {consecutive_errors: 2, for: 1h}"
    async with ScriptedUpstream(dying) as v1, running(tmp_path, plain(v1.origin, upstream=extra)) as gateway:
        for _ in range(2):
            assert (await ask(gateway.public_port, "/api/x", "POST")).status == 502
        (endpoint,) = (await _upstream(gateway))["endpoints"]
        page = (await ask(gateway.admin_port, "/metrics")).body.decode()
        expected = f'crossfade_upstream_healthy{{endpoint="{v1.origin}",upstream="v1"}} 0.0'
    assert (endpoint["healthy"], endpoint["ejected"]) == (False, True)
    assert expected in page
