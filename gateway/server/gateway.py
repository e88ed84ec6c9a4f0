"""One whole gateway, started, reloaded and stopped."""

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gateway.config.load import ConfigError
from gateway.control.store.opening import open_store
from gateway.core.clock import Clock, SystemClock
from gateway.core.tasks import cancel_all, repeat, spawn
from gateway.observability.access_log import AccessLog
from gateway.server.configuration import ConfigSource, log_refusal
from gateway.server.control import Addresses, Control

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""How often the configuration file is looked at. Polling works on every file system, mounted secrets included."""

REPORT_SECONDS: Final = 1.0
"""How often the workers report what they have counted: so much is lost at most with one that dies."""


class Gateway:
    """Owns everything that runs, from `start` to `stop`. It installs no signal handlers and never ends the process.

    With one worker it serves in this process, else in processes of its own. `start` raises ConfigError for a broken
    file and OSError for an address that is taken.
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
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reloading = asyncio.Lock()
        self._control: Control | None = None
        self._seen: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        return f"<Gateway {self._source}, {self._control}>"

    @property
    def public_port(self) -> int:
        """The public listener's port."""
        return self._running.crew.port

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
        self._seen = await self._source.stamp()
        loaded = await self._source.read()
        # The driver is loaded with all its modules beside the event loop.
        store = await asyncio.to_thread(open_store, loaded.config.store)
        control = Control(loaded, store, self._access_log, self._clock)
        try:
            await control.start()
        except BaseException:
            await control.close()
            raise
        self._control = control
        spawn(self._watch(), name="watch the configuration", owner=self._tasks)
        collect = repeat(self._running.crew.refresh, lambda: REPORT_SECONDS)
        spawn(collect, name="collect reports", owner=self._tasks)
        log.info("serving %s, admin %s, %r", self.addresses.public, self.addresses.admin, loaded.snapshot)

    async def reload(self) -> bool:
        """Read the file again and return whether every worker has applied it.

        A broken one is refused, its errors in the log.
        """
        async with self._reloading:
            return await self._reload()

    async def drain(self) -> None:
        """Accept no new connections and wait until the open requests have ended, at most `server.drain` seconds."""
        await self._running.crew.drain()

    async def stop(self) -> None:
        """Close everything at once; may be called again, and without a start."""
        await cancel_all(self._tasks)
        if self._control is not None:
            await self._control.close()

    @property
    def _running(self) -> Control:
        if self._control is None:
            raise RuntimeError("the gateway has not been started")
        return self._control

    async def _reload(self) -> bool:
        reloads = self._running.metrics.reloads
        self._seen = await self._source.stamp()
        try:
            loaded = await self._source.read()
        except ConfigError as error:
            log_refusal(error)
            reloads[("refused",)] += 1
            return False
        complaints = await self._running.apply(loaded)
        for complaint in complaints:
            log.error("not everywhere applied: %s", complaint)
        reloads[("partial" if complaints else "applied",)] += 1
        log.info("applied %r", loaded.snapshot)
        return not complaints

    async def _watch(self) -> None:
        """Reload whenever the file is another one than was read last. One that is away for a moment is waited for."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            async with self._reloading:
                stamp = await self._source.stamp()
                if stamp is not None and stamp != self._seen:
                    await self._reload()
