"""Two gateways with two workers each, one Redis, one backend: what quotas that are shared are tried on."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.child import Child, gateway_process
from tests.support.gateway import LISTEN
from tests.support.own_redis import OwnRedis
from tests.support.upstream import ScriptedUpstream

GATEWAYS = 2
WORKERS = 2
PROCESSES = GATEWAYS * WORKERS


@dataclass(frozen=True, slots=True)
class SharedSite:
    """What runs. Routes: /exact and /outage, each with a quota by the header X-Key that is exact, and /leased."""

    gateways: list[Child]
    redis: OwnRedis
    quota: int

    @property
    def ports(self) -> list[int]:
        """The gateways' public ports."""
        return [gateway.public for gateway in self.gateways]

    async def metric(self, name: str) -> float:
        """Return the sum of a metric's series over the gateways."""
        return sum([await gateway.metric(name) for gateway in self.gateways])


@asynccontextmanager
async def shared_site(folder: Path, *, quota: int, timeout: str) -> AsyncIterator[SharedSite]:
    """Run it for the length of a block; every quota is `quota` a second."""
    redis = OwnRedis()
    async with AsyncExitStack() as stack:
        stack.callback(redis.kill)
        upstream = await stack.enter_async_context(ScriptedUpstream())
        text = _text(upstream.origin, redis.url, quota, timeout)
        contexts = [gateway_process(folder, text, name=f"gateway-{number}") for number in range(GATEWAYS)]
        gateways = list(await asyncio.gather(*[stack.enter_async_context(context) for context in contexts]))
        for gateway in gateways:
            stack.push_async_callback(_end, gateway)
        site = SharedSite(gateways, redis, quota)
        assert await _all_alive(site), "the processes have not found each other"
        yield site


def _text(origin: str, redis: str, quota: int, timeout: str) -> str:
    names = ("exact", "outage", "leased")
    rule = f'{{quota: {quota}, window: 1s, by: "header:X-Key"'
    quotas = "\n".join(f"  {name}: {rule}{', precision: leased' if name == 'leased' else ''}}}" for name in names)
    routes = "\n".join(
        f'  - {{name: {name}, match: "/{name}", upstream: v1, auth: none, quotas: [{name}]}}' for name in names
    )
    return f"""{LISTEN}  workers: {WORKERS}
  drain: 2s
redis: {{url: "{redis}", timeout: {timeout}}}
upstreams:
  v1: {{endpoints: [{origin}]}}
quotas:
{quotas}
routes:
{routes}
"""


async def _all_alive(site: SharedSite) -> bool:
    expected = 1 / PROCESSES
    deadline = asyncio.get_running_loop().time() + 15
    while asyncio.get_running_loop().time() < deadline:
        shares = [await gateway.metric("crossfade_quota_share") for gateway in site.gateways]
        if all(abs(share - expected) < 1e-6 for share in shares):
            return True
        await asyncio.sleep(0.1)
    return False


async def _end(gateway: Child) -> None:
    gateway.signal(signal.SIGTERM)
    await gateway.ended()
