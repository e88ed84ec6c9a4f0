"""Keys are rotated under load and their server is killed: who holds a good token never notices.

With several workers, too, each rotation is fetched once: the supervisor does it for all of them.

Scaled to some seconds. For longer, set `CROSSFADE_ROTATIONS`: with 200 it takes two minutes.
"""

import asyncio
import itertools
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.support.child import Child, gateway_process
from tests.support.client import Received, ask, connected
from tests.support.gateway import LISTEN
from tests.support.key_server import KeyServer, key_server
from tests.support.port import free_port
from tests.support.soon import soon
from tests.support.upstream import ScriptedUpstream

ROTATIONS = int(os.environ.get("CROSSFADE_ROTATIONS", "10"))
CLIENTS = 16
BETWEEN_SECONDS = 0.2
DEATHS = (3, 7)
"""After which rotations the key server is killed."""
REUSE = 3
"""How many requests carry the same token: each is seen for the first time, and is known after that."""
EVERYBODY = {1: 1, 2: 8}
"""So many connections, by the number of workers, meet nearly always all of them."""


def configuration(origin: str, issuer: KeyServer, workers: int) -> str:
    """Redis, which several workers ask for, is away: nothing here depends on it."""
    return f"""{LISTEN}  workers: {workers}
redis: redis://127.0.0.1:{free_port()}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
auth:
  jwt: {{jwks: {{url: {issuer.url}, refresh: 1h, cooldown: 100ms}}, issuer: tacn}}
routes:
  - {{name: closed, match: "/api/{{rest*}}", upstream: v1}}
"""


class Crowd:
    """Clients with good tokens, signed by the newest key. `answers` counts what they were told, by kid and status."""

    def __init__(self, port: int, issuer: KeyServer, workers: int) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.kid = "k0"
        self.is_over = False
        self.workers = workers
        self._port = port
        self._issuer = issuer
        self._serial = itertools.count()

    async def client(self) -> None:
        """Ask until the end."""
        async with connected(self._port) as link:
            while not self.is_over:
                kid = self.kid
                token = self._issuer.sign(kid, iss="tacn", jti=str(next(self._serial)))
                for _ in range(REUSE):
                    await link.send(f"GET /api/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
                    self.answers[kid, (await link.answer()).status] += 1


async def call(gateway: Child, token: str) -> Received:
    return await ask(gateway.public, "/api/x", fields={"Authorization": f"Bearer {token}"})


async def rotate(gateway: Child, issuer: KeyServer, crowd: Crowd, number: int) -> None:
    """Publish one more key and withdraw the one before the last; everybody uses the new one at once."""
    withdrawn = issuer.sign(f"k{number - 2}", iss="tacn") if number >= 2 else None
    if withdrawn is not None:
        assert (await call(gateway, withdrawn)).status == 200
    fetches = issuer.fetches
    issuer.rotate(f"k{number - 1}", f"k{number}")
    crowd.kid = f"k{number}"
    everybody = EVERYBODY[crowd.workers]
    assert await statuses(gateway, issuer.sign(crowd.kid, iss="tacn"), everybody) == {200}
    assert issuer.fetches == fetches + 1
    if withdrawn is not None:
        assert await statuses(gateway, withdrawn, everybody) == {401}


async def statuses(gateway: Child, token: str, times: int) -> set[int]:
    return {(await call(gateway, token)).status for _ in range(times)}


async def outage(gateway: Child, issuer: KeyServer) -> None:
    """Kill the key server: known keys stay good, nobody can tell of others, and its return is noticed."""
    fetches = issuer.fetches
    await issuer.kill()
    issuer.prepare("unpublished")
    assert (await call(gateway, issuer.sign("unpublished", iss="tacn"))).status == 503
    await asyncio.sleep(BETWEEN_SECONDS)
    await issuer.start()
    assert await soon(lambda: issuer.fetches == fetches + 1)


@pytest.mark.parametrize("workers", [1, 2])
async def test_ten_rotations_and_two_dead_key_servers_refuse_no_good_token(tmp_path: Path, workers: int) -> None:
    async with (
        key_server("k0") as issuer,
        ScriptedUpstream() as v1,
        gateway_process(tmp_path, configuration(v1.origin, issuer, workers)) as gateway,
    ):
        crowd = Crowd(gateway.public, issuer, workers)
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(crowd.client())
            for number in range(1, ROTATIONS + 1):
                await asyncio.sleep(BETWEEN_SECONDS)
                await rotate(gateway, issuer, crowd, number)
                if number in DEATHS:
                    await outage(gateway, issuer)
            await asyncio.sleep(BETWEEN_SECONDS)
            crowd.is_over = True
    assert {status for _, status in crowd.answers} == {200}
    assert {kid for kid, _ in crowd.answers} == {f"k{number}" for number in range(ROTATIONS + 1)}
    assert issuer.fetches == 1 + ROTATIONS + len(DEATHS)
