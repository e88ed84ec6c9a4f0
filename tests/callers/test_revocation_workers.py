"""Revoking tokens on a gateway with several worker processes, while Redis is away."""

import json
import os
import signal
import time
from pathlib import Path

import jwt

from tests.support.child import OPS, Child, gateway_process
from tests.support.client import ask
from tests.support.gateway import LISTEN
from tests.support.poll import until
from tests.support.port import free_port
from tests.support.upstream import ScriptedUpstream

SECRET = "a secret for tests that is long enough for HS256"


def configuration(origin: str) -> str:
    return f"""{LISTEN}  workers: 2
redis: redis://127.0.0.1:{free_port()}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
auth:
  jwt: {{keys: [{{alg: HS256, secret: "{SECRET}"}}]}}
routes:
  - {{name: closed, match: "/api/{{rest*}}", upstream: v1}}
"""


async def statuses(gateway: Child, token: str, times: int = 12) -> set[int]:
    """Ask so often, on connections of their own, that every worker is met."""
    fields = {"Authorization": f"Bearer {token}"}
    return {(await ask(gateway.public, "/api/x", fields=fields)).status for _ in range(times)}


async def pids(gateway: Child) -> list[int]:
    status = (await ask(gateway.admin, "/api/status", fields=OPS)).json()
    return [worker["pid"] for worker in status["workers"] if worker["pid"] is not None]


async def test_every_worker_refuses_and_so_does_the_one_that_takes_a_dead_ones_place(tmp_path: Path) -> None:
    token = jwt.encode({"sub": "alice", "jti": "j-1", "exp": int(time.time()) + 600}, SECRET, "HS256")
    async with ScriptedUpstream() as v1, gateway_process(tmp_path, configuration(v1.origin)) as gateway:
        assert await statuses(gateway, token) == {200}
        body = json.dumps({"jti": "j-1", "reason": "stolen"}).encode()
        told = await ask(gateway.admin, "/api/revocations", "POST", OPS, body)
        assert told.status == 202
        assert await statuses(gateway, token) == {401}
        before = await pids(gateway)
        os.kill(before[0], signal.SIGKILL)

        async def is_replaced() -> bool:
            now = await pids(gateway)
            return len(now) == 2 and before[0] not in now

        await until(is_replaced)
        assert await statuses(gateway, token, 24) == {401}
