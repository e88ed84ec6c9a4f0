"""Active health checks: a short request of its own, on a connection of its own."""

import asyncio
import re
from typing import Final, Never, cast

from gateway.config.schema import Health
from gateway.upstream.address import Address
from gateway.upstream.fault import is_exhaustion
from gateway.upstream.replica import Replica

STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] 2[0-9]{2}[ \r]")
STATUS_BYTES: Final = 13
"""`HTTP/1.1 200 `: as much of an answer as it takes to know."""


async def watch(replica: Replica, settings: Health) -> Never:
    """Ask the replica's health path every `interval` seconds, for ever."""
    while True:
        passed = await is_alive(replica.address, settings)
        if passed is not None:
            replica.note_check(passed, healthy=settings.healthy, unhealthy=settings.unhealthy)
        await asyncio.sleep(settings.interval)


async def is_alive(address: Address, settings: Health) -> bool | None:
    """Return whether the health path answers 200–299 in time; None when we lack the means to find out.

    It never raises for a backend that is down.
    """
    line = f"GET {settings.path} HTTP/1.1\r\nHost: {address.authority}".encode("ascii")
    request = line + b"\r\nUser-Agent: crossfade-health\r\nConnection: close\r\n\r\n"
    probe: _Probe | None = None
    try:
        async with asyncio.timeout(settings.timeout):
            probe = await address.connect(lambda: _Probe(request))
            return await probe.passed
    except TimeoutError:
        return False
    except (OSError, ValueError) as error:
        return None if is_exhaustion(error) else False
    finally:
        if probe is not None:
            probe.close()


class _Probe(asyncio.Protocol):
    """Sends one request and looks at the first line that comes back."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self.passed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data[:STATUS_BYTES]
        if len(self._received) >= STATUS_BYTES or b"\n" in self._received:
            self._settle(STATUS_LINE.match(self._received) is not None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(False)

    def close(self) -> None:
        """End the connection: what else it says matters to nobody."""
        if self._transport is not None:
            self._transport.abort()

    def _settle(self, passed: bool) -> None:
        if not self.passed.done():
            self.passed.set_result(passed)
