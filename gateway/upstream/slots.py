"""The bound on exchanges at once with one upstream."""

import asyncio

from gateway.upstream.fault import UpstreamError, UpstreamFault


class Slots:
    """Owns `limit` places; whoever finds none waits at most `patience` seconds, in order of arrival."""

    def __init__(self, limit: int, patience: float, upstream: str) -> None:
        self._free = asyncio.Semaphore(limit)
        self._patience = patience
        self._upstream = upstream
        self.active = 0
        self.queued = 0

    def __repr__(self) -> str:
        return f"<Slots {self._upstream}: {self.active} active, {self.queued} queued>"

    @property
    def is_busy(self) -> bool:
        """Whether somebody holds a place or waits for one."""
        return self.active > 0 or self.queued > 0

    async def acquire(self) -> None:
        """Take a place; raises UpstreamError when none comes free in time."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        self.active += 1

    def release(self) -> None:
        """Give a place back."""
        self.active -= 1
        self._free.release()

    async def _wait(self) -> None:
        self.queued += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            detail = f"All connections to {self._upstream} are busy."
            raise UpstreamError(UpstreamFault.OVERLOADED, detail) from None
        finally:
            self.queued -= 1
