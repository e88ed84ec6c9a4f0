"""One whole gateway in one process, started, reloaded and stopped."""

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gateway.config.load import ConfigError
from gateway.core.clock import Clock, SystemClock
from gateway.core.tasks import cancel_all, spawn
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Metrics
from gateway.server.configuration import ConfigSource, log_refusal
from gateway.server.plane import Addresses, Plane

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""How often the configuration file is looked at. Polling works on every file system, mounted secrets included."""


class Gateway:
    """Owns everything that runs, from `start` to `stop`. It installs no signal handlers and never ends the process.

    `start` raises ConfigError for a broken file and OSError for an address that is taken.
    """

    def __init__(
        self,
        path: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock if clock is not None else SystemClock()
        self._source = ConfigSource(path, environ, self._clock)
        self._access_log = AccessLog()
        self._metrics = Metrics()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reloading = asyncio.Lock()
        self._plane: Plane | None = None

    def __repr__(self) -> str:
        return f"<Gateway {self._source}, {self._plane}>"

    @property
    def public_port(self) -> int:
        """The public listener's port."""
        return self._running.listener.port

    @property
    def admin_port(self) -> int:
        """The admin listener's port."""
        return self._running.admin.port

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        return self._running.addresses()

    async def start(self) -> None:
        """Read the file and listen."""
        stamp = await self._source.stamp()
        loaded = await self._source.read()
        plane = Plane(loaded, self._metrics, self._access_log, self._clock)
        try:
            await plane.start()
        except BaseException:
            await plane.close()
            raise
        self._plane = plane
        spawn(self._watch(stamp), name="watch the configuration", owner=self._tasks)
        log.info("serving %s, admin %s, %r", self.addresses.public, self.addresses.admin, loaded.snapshot)

    async def reload(self) -> bool:
        """Read the file again and return whether it was applied; a broken one is refused, its errors in the log."""
        async with self._reloading:
            try:
                loaded = await self._source.read()
            except ConfigError as error:
                log_refusal(error)
                self._metrics.reloads[("refused",)] += 1
                return False
            self._running.apply(loaded)
            self._metrics.reloads[("applied",)] += 1
            log.info("applied %r", loaded.snapshot)
            return True

    async def drain(self) -> None:
        """Accept no new connections and wait until the open requests have ended, at most `server.drain` seconds."""
        await self._running.drain()

    async def stop(self) -> None:
        """Close everything at once; may be called again, and without a start."""
        await cancel_all(self._tasks)
        self._access_log.flush()
        if self._plane is not None:
            await self._plane.close()

    @property
    def _running(self) -> Plane:
        if self._plane is None:
            raise RuntimeError("the gateway has not been started")
        return self._plane

    async def _watch(self, seen: tuple[int, int, int] | None) -> None:
        """Reload whenever the file has changed. A file that is away for a moment (a slow replace) is waited for."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._access_log.flush()
            await self._running.listener.reread_certificate()
            stamp = await self._source.stamp()
            if stamp is not None and stamp != seen:
                seen = stamp
                await self.reload()
