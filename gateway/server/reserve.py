"""One worker more than serve: started, its modules loaded, waiting for somebody's place.

Starting an interpreter with all we import takes the better part of a second of CPU time, and more on a busy machine.
The reserve has done that before it is needed; taking a dead worker's place is then a matter of milliseconds.
"""

import asyncio
import logging
from typing import Any, Final

from gateway.core.tasks import cancel_all, spawn
from gateway.server.child import Child, describe
from gateway.server.message import Stop
from gateway.server.patience import Patience

log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.5
"""How long after a replacement the next one in reserve is started: those who serve come first."""


class Reserve:
    """Owns the worker that waits. It never gives one orders."""

    def __init__(self) -> None:
        self._spare: Child | None = None
        self._taken: asyncio.Future[None] | None = None
        self._patience = Patience()
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Reserve {self._spare}>"

    @property
    def ready(self) -> int:
        """How many could take a place at once: 0 or 1."""
        spare = self._spare
        return int(spare is not None and spare.is_awake and not spare.end.done())

    def start(self) -> None:
        """Keep a worker in reserve from now on."""
        spawn(self._keep(), name="keep a worker in reserve", owner=self._tasks)

    async def take(self) -> Child:
        """Return the worker that waits, or a new one; raises OSError when none can be started."""
        spare, self._spare = self._spare, None
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)
        return spare if spare is not None and not spare.end.done() else await Child.start()

    async def close(self) -> None:
        """Keep no more."""
        await cancel_all(self._tasks)
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.tell(Stop())
            spare.kill()
            await spare.ended()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(QUIET_SECONDS + self._patience.seconds)
            try:
                self._spare = spare = await Child.start()
            except OSError as error:
                self._patience.note_failure()
                log.error("no worker can be kept in reserve: %s", error)
                continue
            self._taken = asyncio.get_running_loop().create_future()
            either: list[asyncio.Future[Any]] = [self._taken, spare.end]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._taken.done():
                self._patience.note_success()
            else:
                self._patience.note_failure()
                log.warning("worker %d, in reserve, %s", spare.pid, describe(spare.end.result()))
