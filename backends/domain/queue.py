"""The task queue: users submit analyses, the runners of both backends claim them.

Owns the tasks' documents as users see them and change them; claiming and working is the runner's (`runner.py`).
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from backends.domain.clock import Clock, iso
from backends.domain.errors import Fault, FaultKind
from backends.domain.market import Market
from backends.domain.notifications import Notifications, progress_channel, queue_channel
from backends.domain.page import Page, skipped
from backends.domain.store import Document, Store

type TaskStatus = Literal["pending", "running", "completed", "failed", "cancelled"]

COLLECTION = "queue_tasks"
STATUSES: tuple[TaskStatus, ...] = get_args(TaskStatus.__value__)
FINISHED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})
UNFINISHED: tuple[TaskStatus, ...] = ("pending", "running")
NEWEST_FIRST = [("created_at", -1), ("_id", -1)]


@dataclass(frozen=True, slots=True)
class Task:
    """One analysis on its way; progress is in percent, `days` is how many k-lines it looks at."""

    id: str
    user: str
    symbol: str
    analysis_type: str
    days: int
    priority: int
    status: TaskStatus
    progress: int
    current_step: str
    message: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    updated_at: str


@dataclass(frozen=True, slots=True)
class QueueStats:
    """How many of a user's tasks are where."""

    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    total: int


class TaskQueue:
    """What users do with the queue. `submitted` is set when work was added here, to wake this process's runner."""

    def __init__(self, store: Store, market: Market, notifications: Notifications, clock: Clock) -> None:
        self._store = store
        self._market = market
        self._notifications = notifications
        self._clock = clock
        self.submitted = asyncio.Event()

    async def stats(self, user: str) -> QueueStats:
        """The user's figures."""
        # One read: counted status by status, a task that moves on in between would count twice or not at all.
        tasks = await self._store.find(COLLECTION, {"user": user})
        counts = Counter(task["status"] for task in tasks)
        return QueueStats(**{status: counts[status] for status in STATUSES}, total=len(tasks))

    async def submit(
        self,
        user: str,
        symbols: Sequence[str],
        analysis_type: str = "technical",
        priority: int = 5,
        days: int = 60,
    ) -> list[str]:
        """One pending task a stock, in that order; raises NOT_FOUND, and adds none, if a stock is unknown."""
        for symbol in symbols:
            await self._market.stock(symbol)
        now = self._clock.now()
        documents = [
            _pending(_task_id(now, place), user, symbol, analysis_type, priority, days, iso(now))
            for place, symbol in enumerate(dict.fromkeys(symbols))
        ]
        await self._store.insert_many(COLLECTION, documents)
        self.submitted.set()
        for document in documents:
            await announce(self._notifications, task_of(document))
        return [document["_id"] for document in documents]

    async def tasks(self, user: str, status: TaskStatus | None, page: int, page_size: int) -> Page[Task]:
        """The user's tasks, newest first."""
        where = {"user": user} if status is None else {"user": user, "status": status}
        documents = await self._store.find(
            COLLECTION, where, sort=NEWEST_FIRST, skip=skipped(page, page_size), limit=page_size
        )
        total = await self._store.count(COLLECTION, where)
        return Page([task_of(document) for document in documents], total, page, page_size)

    async def task(self, user: str, task_id: str) -> Task:
        """One of the user's tasks; raises NOT_FOUND, also for someone else's."""
        document = await self._store.get(COLLECTION, task_id)
        if document is None or document["user"] != user:
            raise Fault(FaultKind.NOT_FOUND, "there is no such task")
        return task_of(document)

    async def cancel(self, user: str, task_id: str) -> Task:
        """Ends an unfinished task; its runner notices at the next step. Raises CONFLICT for a finished one."""
        now = iso(self._clock.now())
        document = await self._store.update(
            COLLECTION,
            {"_id": task_id, "user": user, "status": {"$in": UNFINISHED}},
            {"status": "cancelled", "message": "cancelled by the user", "finished_at": now, "updated_at": now},
        )
        if document is None:
            await self.task(user, task_id)
            raise Fault(FaultKind.CONFLICT, "the task has finished already")
        await announce(self._notifications, task_of(document))
        return task_of(document)


async def announce(notifications: Notifications, task: Task) -> None:
    """Tells who watches the task, and who watches its user's queue, how it stands."""
    message = {
        "task_id": task.id,
        "user": task.user,
        "symbol": task.symbol,
        "analysis_type": task.analysis_type,
        "status": task.status,
        "progress": task.progress,
        "current_step": task.current_step,
        "message": task.message,
        "updated_at": task.updated_at,
    }
    await notifications.send(progress_channel(task.id), message)
    await notifications.send(queue_channel(task.user), message)


def task_of(document: Document) -> Task:
    """The task that a document stores."""
    return Task(
        id=document["_id"],
        user=document["user"],
        symbol=document["symbol"],
        analysis_type=document["analysis_type"],
        days=document["days"],
        priority=document["priority"],
        status=document["status"],
        progress=document["progress"],
        current_step=document["current_step"],
        message=document["message"],
        created_at=document["created_at"],
        started_at=document["started_at"],
        finished_at=document["finished_at"],
        updated_at=document["updated_at"],
    )


def _task_id(now: datetime, place: int) -> str:
    """Sorts by time and place in the submission: tasks of one millisecond stay in the order they were given in."""
    return f"t-{int(now.timestamp() * 1000):011x}{place:02x}{uuid.uuid4().hex[:10]}"


def _pending(
    task_id: str, user: str, symbol: str, analysis_type: str, priority: int, days: int, created_at: str
) -> Document:
    return {
        "_id": task_id,
        "user": user,
        "symbol": symbol,
        "analysis_type": analysis_type,
        "days": days,
        "priority": priority,
        "status": "pending",
        "progress": 0,
        "current_step": "waiting",
        "message": "waiting for a free runner",
        "created_at": created_at,
        "started_at": None,
        "finished_at": None,
        "updated_at": created_at,
        "step": 0,
        "worker": None,
        "lease_until": None,
    }
