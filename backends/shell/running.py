"""Runs a side as a process of its own: listens, says so, and stops gracefully on SIGTERM, SIGINT or cancellation."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web

from backends.domain.faults import Faults
from backends.domain.platform import Platform, Settings, open_platform

STOPPING_SECONDS = 5.0
"""How long open calls may take once the process was told to stop."""

type Ready = Callable[[int], None]


class Build(Protocol):
    """A side's `build`: the application over an open platform."""

    def __call__(self, platform: Platform, *, faults: Faults) -> web.Application: ...


async def run(build: Build, settings: Settings, *, host: str, port: int, ready: Ready | None = None) -> None:
    """Serves one side until it is told to stop; `ready` gets the port once it listens, also the one behind port 0."""
    async with open_platform(settings) as platform:
        application = build(platform, faults=Faults(random.Random()))
        async with _stop_signals() as stopped, listening(application, host=host, port=port) as actual:
            if ready is not None:
                ready(actual)
            await stopped.wait()


@asynccontextmanager
async def listening(application: web.Application, *, host: str, port: int) -> AsyncIterator[int]:
    """The application on a socket; a call whose client left is cancelled, which is what ends event streams."""
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=STOPPING_SECONDS, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _stop_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set, where this loop may have signal handlers (the main thread only)."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    handled = [number for number in (signal.SIGTERM, signal.SIGINT) if _handle(loop, number, stopped)]
    try:
        yield stopped
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


def _handle(loop: asyncio.AbstractEventLoop, number: signal.Signals, stopped: asyncio.Event) -> bool:
    try:
        loop.add_signal_handler(number, stopped.set)
    except (ValueError, RuntimeError, NotImplementedError):
        return False
    return True
