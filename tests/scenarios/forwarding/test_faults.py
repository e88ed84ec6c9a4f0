"""A network that delays, narrows, swallows or cuts is seen for what it is."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.server.gateway import Gateway
from tests.conformance.corpus.strict import Request
from tests.support.client import connected
from tests.support.echo import Echo, echoed
from tests.support.fault_proxy import FaultProxy, Faults
from tests.support.gateway import plain, running

PATIENCE = """
    response_timeout: 500ms
    ejection: {consecutive_errors: 1000000, for: 1s}
"""
WHOLE = echoed(Request(b"GET", b"/api/x", 1, [], []))
REQUEST = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
async def v1() -> AsyncIterator[Echo]:
    async with Echo() as echo:
        yield echo


@pytest.fixture
async def network(v1: Echo) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(int(v1.origin.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
async def gateway(network: FaultProxy, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running(tmp_path, plain(network.origin, upstream=PATIENCE)) as gateway, asyncio.timeout(30):
        yield gateway


async def _outcome(gateway: Gateway, method: bytes = b"GET") -> int:
    """Return the status of a whole answer, or 0 for a cut."""
    async with connected(gateway.public_port) as client:
        try:
            await client.send(REQUEST.replace(b"GET", method))
            answer = await client.answer()
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        return answer.status if answer.is_complete else 0


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
async def test_an_answer_cut_after_any_byte_is_never_a_success(
    gateway: Gateway, network: FaultProxy, is_reset: bool
) -> None:
    for cut_after in range(len(WHOLE)):
        network.faults = Faults(cut_after=cut_after, is_reset=is_reset)
        assert await _outcome(gateway) in {0, 502}, f"cut after {cut_after} of {len(WHOLE)} bytes"
    network.faults = Faults()
    assert await _outcome(gateway) == 200


async def test_a_silent_network_is_504_in_time_and_the_next_request_is_fine(
    gateway: Gateway, network: FaultProxy
) -> None:
    network.faults = Faults(is_blackhole=True)
    started = time.monotonic()
    assert await _outcome(gateway, b"POST") == 504
    assert time.monotonic() - started < 3
    network.faults = Faults()
    assert await _outcome(gateway) == 200


async def test_a_slow_network_still_delivers(gateway: Gateway, network: FaultProxy, v1: Echo) -> None:
    size = 1 << 20
    v1.plan = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    network.faults = Faults(delay=0.005, rate=2 << 20)
    assert await _outcome(gateway) == 200
