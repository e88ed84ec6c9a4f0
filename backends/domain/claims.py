"""How a runner holds tasks: atomic claims, leases that expire, and writes that only the holder can make.

Every write names the holder in its filter, so a runner that lost a task (cancelled, or taken over) cannot write.
"""

from collections.abc import Mapping
from typing import Any

from backends.domain.clock import Clock, iso, iso_after
from backends.domain.queue import COLLECTION
from backends.domain.store import Document, Store

NEXT_FIRST = [("priority", -1), ("created_at", 1), ("_id", 1)]


class Claims:
    """One runner's hold on tasks, under its name."""

    def __init__(self, store: Store, clock: Clock, *, worker: str, lease_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._worker = worker
        self._lease_seconds = lease_seconds

    def __repr__(self) -> str:
        return f"<Claims of {self._worker}: leases of {self._lease_seconds:g} s>"

    async def claim(self) -> Document | None:
        """The next task: first what another runner has left behind, then the most urgent pending one."""
        now = iso(self._clock.now())
        hold = self._hold()
        left_behind = {"status": "running", "lease_until": {"$lte": now}}
        again = await self._store.update(COLLECTION, left_behind, hold, sort=NEXT_FIRST)
        if again is not None:
            return again
        fresh = {**hold, "status": "running", "started_at": now}
        return await self._store.update(COLLECTION, {"status": "pending"}, fresh, sort=NEXT_FIRST)

    async def advance(self, task_id: str, changes: Mapping[str, Any]) -> Document | None:
        """Writes progress and extends the lease; None: the task is no longer ours."""
        return await self._store.update(COLLECTION, self._ours(task_id), {**self._hold(), **changes})

    async def finish(self, task_id: str, changes: Mapping[str, Any]) -> Document | None:
        """Writes the end; None: the task is no longer ours."""
        now = iso(self._clock.now())
        end = {"lease_until": None, "finished_at": now, "updated_at": now}
        return await self._store.update(COLLECTION, self._ours(task_id), {**end, **changes})

    async def release(self, task_id: str) -> None:
        """Lets the lease expire at once, so that another runner goes on where this one stops."""
        await self._store.update(COLLECTION, self._ours(task_id), {"lease_until": iso(self._clock.now())})

    def _ours(self, task_id: str) -> dict[str, Any]:
        return {"_id": task_id, "status": "running", "worker": self._worker}

    def _hold(self) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "worker": self._worker,
            "lease_until": iso_after(now, self._lease_seconds),
            "updated_at": iso(now),
        }
