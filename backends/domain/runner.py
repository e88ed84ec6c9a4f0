"""The task runner: claims tasks and takes them through visible steps to a result. Each backend's process has one.

Owns its claims and the work in progress; nothing is lost when it dies: its leases expire and others claim again.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from backends.domain.claims import Claims
from backends.domain.clock import Clock
from backends.domain.notifications import Notifications
from backends.domain.queue import Task, TaskQueue, announce, task_of
from backends.domain.store import Document, Store
from backends.domain.tasks import cancel_all, spawn

logger = logging.getLogger(__name__)

STEPS: tuple[tuple[str, str], ...] = (
    ("load", "reading the k-lines"),
    ("clean", "checking the data for gaps"),
    ("indicators", "computing the indicators"),
    ("judge", "weighing the signals"),
    ("report", "writing the result"),
)
SLOTS = 4
"""Tasks that one runner works on at once."""
SPARE_LEASE_SECONDS = 5.0
"""How much longer than its step a lease lasts: what a slow store or a busy machine may cost."""

type Conclude = Callable[[Task], Awaitable[None]]


class TaskRunner:
    """Works on up to `SLOTS` tasks at once. `conclude` computes and stores a task's result, and may be repeated."""

    def __init__(
        self,
        store: Store,
        queue: TaskQueue,
        notifications: Notifications,
        clock: Clock,
        conclude: Conclude,
        *,
        step_seconds: float,
    ) -> None:
        worker = f"runner-{uuid.uuid4().hex[:8]}"
        lease_seconds = step_seconds + SPARE_LEASE_SECONDS
        self._claims = Claims(store, clock, worker=worker, lease_seconds=lease_seconds)
        self._queue = queue
        self._notifications = notifications
        self._conclude = conclude
        self._step_seconds = step_seconds
        self._slots = asyncio.Semaphore(SLOTS)
        self._loop: set[asyncio.Task[Any]] = set()
        self._work: set[asyncio.Task[Any]] = set()
        self._held: set[str] = set()

    def __repr__(self) -> str:
        return f"<TaskRunner {self._claims!r}: {len(self._held)} of {SLOTS} slots busy>"

    def start(self) -> None:
        """Begins to claim."""
        spawn(self._run(), name="task-runner", owner=self._loop)

    async def close(self) -> None:
        """Stops and hands back what is unfinished; safe to repeat."""
        await cancel_all(self._loop)
        await cancel_all(self._work)
        for task_id in list(self._held):
            await self._claims.release(task_id)
            self._held.discard(task_id)

    async def _run(self) -> None:
        while True:
            await self._slots.acquire()
            document = await self._claim()
            if document is None:
                self._slots.release()
                await self._wait_for_work()
            else:
                self._held.add(document["_id"])
                work = spawn(self._process(document), name=f"task {document['_id']}", owner=self._work)
                work.add_done_callback(lambda _: self._slots.release())

    async def _claim(self) -> Document | None:
        try:
            return await self._claims.claim()
        except Exception as error:  # noqa: BLE001 - whatever ails the store, the runner outlives it
            logger.warning("%r cannot claim: %s", self, error)
            return None

    async def _wait_for_work(self) -> None:
        """Until something is submitted here, or long enough for another process to have submitted something."""
        self._queue.submitted.clear()
        try:
            async with asyncio.timeout(max(self._step_seconds, 0.05)):
                await self._queue.submitted.wait()
        except TimeoutError:
            return

    async def _process(self, document: Document) -> None:
        task_id = document["_id"]
        try:
            await self._walk_through(document)
        except Exception:
            logger.exception("task %s failed", task_id)
            await self._fail(task_id)
        self._held.discard(task_id)

    async def _walk_through(self, document: Document) -> None:
        """From the step that was reached before, if another runner had begun."""
        for step in range(document["step"], len(STEPS)):
            advanced = await self._claims.advance(document["_id"], _standing(step))
            if advanced is None:
                return
            await announce(self._notifications, task_of(advanced))
            await asyncio.sleep(self._step_seconds)
        await self._conclude(task_of(document))
        await self._end(document["_id"], "completed", {"progress": 100, "message": "the analysis is complete"})

    async def _fail(self, task_id: str) -> None:
        try:
            await self._end(task_id, "failed", {"message": "the analysis failed"})
        except Exception as error:  # noqa: BLE001 - then the lease expires and another runner tries
            logger.warning("task %s could not be marked as failed: %s", task_id, error)

    async def _end(self, task_id: str, status: str, changes: dict[str, Any]) -> None:
        ended = await self._claims.finish(task_id, {"status": status, "step": len(STEPS), **changes})
        if ended is None:
            return
        task = task_of(ended)
        await announce(self._notifications, task)
        kind = "analysis_complete" if status == "completed" else "analysis_failed"
        data = {
            "task_id": task.id,
            "symbol": task.symbol,
            "analysis_type": task.analysis_type,
            "status": task.status,
            "message": task.message,
        }
        await self._notifications.publish(task.user, kind, data)


def _standing(step: int) -> dict[str, Any]:
    """What a task shows while it is in that step."""
    name, message = STEPS[step]
    return {"step": step, "progress": step * 100 // len(STEPS), "current_step": name, "message": message}
