"""One worker holds very many idle WebSockets, and nothing of them stays when they have gone."""

import os
import resource
import time
from pathlib import Path

import jwt
import pytest

from tests.support.child import gateway_process
from tests.support.crowd import crowd
from tests.support.gateway import LISTEN
from tests.support.poll import until
from tests.support.soon import soon

SECRET = "a secret for tests that is long enough for HS256"
RULES = """
  limits: {connections: 12000, header_timeout: 60s}
upstreams:
  v2: {endpoints: [http://127.0.0.1:1]}
auth:
  jwt: {keys: [{alg: HS256, secret: "a secret for tests that is long enough for HS256"}]}
realtime:
  upstream: v2
  topics: {quotes: {match: "quotes:{symbol}", conflate: true}}
  limits: {connections: 10000, connections_per_consumer: 10000}
"""
SOCKETS = int(os.environ.get("CROSSFADE_SOCKETS", "2000"))
"""The whole promise is 10 000, which takes about ten seconds: CROSSFADE_SOCKETS=10000 (and 10 200 descriptors)."""
KIB_EACH = 8
"""With one user's token for all; `make bench-ws` measures sockets that have subscribed, each with its own."""


async def test_thousands_of_idle_sockets_are_opened_held_and_closed(tmp_path: Path) -> None:
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200
    if room < SOCKETS:
        pytest.skip(f"only {room} file descriptors are to be had")
    token = jwt.encode({"sub": "alice", "exp": int(time.time()) + 3600}, SECRET, "HS256")
    async with gateway_process(tmp_path, LISTEN + RULES) as gateway, crowd(gateway.public) as clients:
        descriptors, resident = gateway.descriptors(), gateway.resident_bytes()
        await clients.connect(SOCKETS)
        await clients.upgrade(token)

        async def all_there() -> bool:
            return await gateway.metric("crossfade_ws_connections") == SOCKETS

        await until(all_there)
        each = (gateway.resident_bytes() - resident) / SOCKETS / 1024
        assert each < KIB_EACH, f"{each:.1f} KiB"
        await clients.goodbye()
        assert await soon(lambda: gateway.descriptors() <= descriptors + 5)

        async def all_gone() -> bool:
            return await gateway.metric("crossfade_ws_connections") == 0

        await until(all_gone)
