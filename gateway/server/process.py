"""The gateway as a process: signals, drain, exit code."""

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from gateway.core.garbage import freeze
from gateway.core.tasks import cancel_all, spawn
from gateway.core.threads import switch_soon
from gateway.server.control import Addresses
from gateway.server.gateway import Gateway

log = logging.getLogger(__name__)

type Ready = Callable[[Addresses], None]


def run(path: Path, *, ready: Ready | None = None) -> int:
    """Serve until a signal ends it and return the exit code; raises ConfigError and OSError when it cannot start."""
    switch_soon()
    return uvloop.run(serve(path, ready=ready))


async def serve(path: Path, *, ready: Ready | None = None) -> int:
    """Serve on the running loop until SIGTERM or SIGINT, then drain; `ready` is told the addresses once it listens."""
    gateway = Gateway(path)
    signals = _Signals(gateway)
    await gateway.start()
    signals.install()
    freeze()
    try:
        if ready is not None:
            ready(gateway.addresses)
        await signals.until_drained()
    finally:
        await signals.close()
        await gateway.stop()
    log.info("stopped")
    return 0


class _Signals:
    """Turns signals into verbs: SIGHUP reloads; the first SIGTERM or SIGINT drains, a second one stops at once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._drain = asyncio.Event()
        self._stop = asyncio.Event()

    def install(self) -> None:
        """Begin to listen to signals."""
        self._loop.add_signal_handler(signal.SIGHUP, self._reload)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end, number)

    async def until_drained(self) -> None:
        """Wait for the signal that ends the process, then until open requests have ended or a second signal comes."""
        await self._drain.wait()
        spawn(self._drain_then_stop(), name="drain", owner=self._tasks)
        await self._stop.wait()

    async def close(self) -> None:
        """Give the signals back."""
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            self._loop.remove_signal_handler(number)
        await cancel_all(self._tasks)

    def _reload(self) -> None:
        spawn(self._gateway.reload(), name="reload", owner=self._tasks)

    def _end(self, number: signal.Signals) -> None:
        if self._drain.is_set():
            self._stop.set()
        else:
            log.info("%s: draining", number.name)
            self._drain.set()

    async def _drain_then_stop(self) -> None:
        try:
            await self._gateway.drain()
        finally:
            self._stop.set()
