"""Published keys on a gateway with several worker processes: one of its processes fetches for all."""

import os
import signal
from pathlib import Path
from typing import Any

from tests.support.child import OPS, Child, gateway_process
from tests.support.client import ask
from tests.support.gateway import LISTEN
from tests.support.key_server import KeyServer, key_server
from tests.support.poll import until
from tests.support.port import free_port
from tests.support.upstream import ScriptedUpstream

EVERYBODY = 16
"""So many connections one after the other meet every worker."""


def configuration(origin: str, issuer: KeyServer) -> str:
    return f"""{LISTEN}  workers: 2
redis: redis://127.0.0.1:{free_port()}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
auth:
  jwt: {{jwks: {{url: {issuer.url}, refresh: 1h, cooldown: 100ms}}}}
routes:
  - {{name: closed, match: "/api/{{rest*}}", upstream: v1}}
"""


async def statuses(gateway: Child, token: str) -> set[int]:
    fields = {"Authorization": f"Bearer {token}"}
    return {(await ask(gateway.public, "/api/x", fields=fields)).status for _ in range(EVERYBODY)}


async def workers(gateway: Child) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ask(gateway.admin, "/api/status", fields=OPS)).json()["workers"]
    return found


async def pids(gateway: Child) -> list[int]:
    return [worker["pid"] for worker in await workers(gateway) if worker["pid"] is not None]


async def test_workers_that_start_late_and_reloads_get_keys_without_fetches_of_their_own(tmp_path: Path) -> None:
    async with (
        key_server("a") as first,
        key_server("b") as second,
        ScriptedUpstream() as v1,
        gateway_process(tmp_path, configuration(v1.origin, first)) as gateway,
    ):
        assert await statuses(gateway, first.sign("a")) == {200}
        assert first.fetches == 1
        await first.kill()
        before = await pids(gateway)
        os.kill(before[0], signal.SIGKILL)

        async def is_replaced() -> bool:
            now = await pids(gateway)
            return len(now) == 2 and before[0] not in now

        await until(is_replaced)
        assert await statuses(gateway, first.sign("a")) == {200}

        gateway.config.write_text(gateway.config.read_text().replace(first.url, second.url))

        async def is_reloaded() -> bool:
            return all((worker["revision"] or 0) > 1 for worker in await workers(gateway))

        await until(is_reloaded)
        assert await statuses(gateway, second.sign("b")) == {200}
        assert second.fetches == 1
        assert await statuses(gateway, first.sign("a")) == {401}
        assert await gateway.metric("crossfade_jwks_keys") == 1
