"""The task queue: users submit analyses, runners of both backends claim them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backends.domain.page import Page

type TaskStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
STATUSES: tuple[TaskStatus, ...] = ("pending", "running", "completed", "failed", "cancelled")
FINISHED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Task:
    """One analysis on its way; progress in percent."""

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
    async def stats(self, user: str) -> QueueStats:
        raise NotImplementedError

    async def submit(
        self, user: str, symbols: Sequence[str], analysis_type: str = "technical", priority: int = 5, days: int = 60
    ) -> list[str]:
        raise NotImplementedError

    async def tasks(self, user: str, status: TaskStatus | None, page: int, page_size: int) -> Page[Task]:
        raise NotImplementedError

    async def task(self, user: str, task_id: str) -> Task:
        raise NotImplementedError

    async def cancel(self, user: str, task_id: str) -> Task:
        raise NotImplementedError
