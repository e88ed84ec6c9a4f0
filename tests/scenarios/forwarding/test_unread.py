"""A client that keeps asking and never reads costs a bounded amount of memory, and is cut in time."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.child import gateway_process
from tests.support.echo import Echo
from tests.support.gateway import plain

ANSWER_BYTES = 200_000
ASK_SECONDS = 6.0
GROWTH_BYTES = 24 << 20
MOST_ARRIVED = 300
"""Answers that fit the kernel's buffers and ours, many times over; a request for more must not even be sent on."""
LIMITS = "\n  limits: {body_timeout: 1s, keep_alive: 1s}"
BATCH = 500


@pytest.mark.parametrize("target", [b"/api/x", b"/nowhere"], ids=["forwarded", "refused"])
async def test_a_client_that_pipelines_and_never_reads_is_held_back_and_cut(tmp_path: Path, target: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % ANSWER_BYTES + bytes(ANSWER_BYTES)
    request = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target
    async with Echo(lambda _request: answer) as v1, gateway_process(tmp_path, plain(v1.origin, server=LIMITS)) as child:
        before = child.resident_bytes()
        _, writer = await asyncio.open_connection("127.0.0.1", child.public, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        try:
            growth = 0
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(ASK_SECONDS):
                    while growth < 2 * GROWTH_BYTES:
                        writer.write(request * BATCH)
                        await writer.drain()
                        growth = max(growth, child.resident_bytes() - before)
                        await asyncio.sleep(0.02)
            assert growth < GROWTH_BYTES
            assert sum(v1.arrived.values()) <= MOST_ARRIVED
            assert await _is_cut(writer)
        finally:
            writer.transport.abort()


async def _is_cut(writer: asyncio.StreamWriter, seconds: float = 6.0) -> bool:
    """Whether writing fails before long: a client that does not read sees no other end of its connection."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            writer.write(b"\r\n")
            async with asyncio.timeout(0.1):
                await writer.drain()
        except ConnectionError:
            return True
        except TimeoutError:
            pass
        if writer.transport.is_closing():
            return True
        await asyncio.sleep(0.05)
    return False
