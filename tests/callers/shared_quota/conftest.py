"""A Redis of one's own that can be killed, emptied and stopped, and processes' counters on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from gateway.callers.shared_quota import counter
from gateway.callers.shared_quota.counter import SharedQuotas
from gateway.config import schema
from gateway.config.identity import Identity, IdentityKind
from gateway.config.snapshot import Quota
from gateway.core.clock import SystemClock
from gateway.observability.metrics import Metrics
from gateway.policy.quota import Charge, Verdict
from tests.support.own_redis import OwnRedis
from tests.support.upstream import ScriptedUpstream

BY = (Identity(IdentityKind.HEADER, "x-key"),)


@pytest.fixture
def redis() -> Iterator[OwnRedis]:
    server = OwnRedis()
    yield server
    server.kill()


@pytest.fixture
async def v1() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        yield upstream


class Process:
    """One process's counter, asked as the policy asks it."""

    def __init__(self, quotas: SharedQuotas, metrics: Metrics) -> None:
        self.quotas = quotas
        self.metrics = metrics
        self._clock = SystemClock()

    async def count(self, *charges: Charge) -> Verdict:
        """Count one request, however long that takes."""
        return await self.soon(*charges)

    def soon(self, *charges: Charge) -> asyncio.Future[Verdict]:
        """Begin to count one request."""
        found: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        verdict = self.quotas.count(charges, self._clock.now())
        if verdict is None:
            self.quotas.ask(charges, found.set_result)
        else:
            found.set_result(verdict)
        return found

    async def granted(self, times: int, *charges: Charge) -> int:
        """Count so many requests at once and return how many may pass."""
        verdicts = await asyncio.gather(*[self.count(*charges) for _ in range(times)])
        return sum(verdict.is_allowed for verdict in verdicts)


type Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start processes' counters; all end with the test."""
    # On one loop all come back at the same time, so there is little to wait for.
    monkeypatch.setattr(counter, "SETTLE_SECONDS", 0.3)
    async with AsyncExitStack() as stack:

        async def begin(timeout: float = 1.0, share: float | None = None) -> Process:
            metrics = Metrics()
            settings = schema.Redis(url=redis.url, timeout=f"{round(timeout * 1000)}ms", share=share)
            quotas = SharedQuotas(settings, 1, metrics, SystemClock())
            stack.push_async_callback(quotas.close)
            await quotas.start()
            return Process(quotas, metrics)

        yield begin


def charge(quota: int = 10, window: float = 60.0, key: str = "alice", name: str = "burst", **more: bool) -> Charge:
    return Charge(Quota(name, quota, window, BY, **more), key)
