"""`/api/queue`: the caller's analysis tasks as a queue."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.queue import QueueStats, Task, TaskQueue
from backends.domain.rules import AnalysisType, Priority, Symbols
from backends.shell.inputs import body, query
from backends.v1.access import caller
from backends.v1.envelope import listed, stamp, stamp_or_none, success
from backends.v1.paging import PageQuery
from backends.v1.status import LegacyStatus, domain_status, legacy_status


class SubmitBody(BaseModel):
    """The stocks to analyse, each a task."""

    stock_codes: Symbols
    analysis_type: AnalysisType = "technical"
    priority: Priority = 5


class TasksQuery(PageQuery):
    """Which tasks."""

    status: LegacyStatus | None = None


class QueueArea:
    """The handlers of `/api/queue`."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/queue/stats", self.stats),
            web.post("/api/queue/submit", self.submit),
            web.get("/api/queue/tasks", self.tasks),
            web.get("/api/queue/tasks/{id}", self.task),
            web.delete("/api/queue/tasks/{id}", self.cancel),
        ]

    async def stats(self, request: web.Request) -> web.Response:
        """How many of the caller's tasks are where."""
        return success(stats_shape(await self._queue.stats(caller(request))))

    async def submit(self, request: web.Request) -> web.Response:
        """One task a stock."""
        given = await body(request, SubmitBody)
        ids = await self._queue.submit(caller(request), given.stock_codes, given.analysis_type, given.priority)
        return success({"task_ids": ids, "accepted": len(ids)})

    async def tasks(self, request: web.Request) -> web.Response:
        """The caller's tasks, newest first."""
        asked = query(request, TasksQuery)
        status = None if asked.status is None else domain_status(asked.status)
        return listed(await self._queue.tasks(caller(request), status, asked.page, asked.page_size), task_shape)

    async def task(self, request: web.Request) -> web.Response:
        """One of the caller's tasks."""
        return success(task_shape(await self._queue.task(caller(request), request.match_info["id"])))

    async def cancel(self, request: web.Request) -> web.Response:
        """Ends a task that is not finished."""
        return success(task_shape(await self._queue.cancel(caller(request), request.match_info["id"])))


def stats_shape(stats: QueueStats) -> dict[str, object]:
    """v1's figures; the stream of the queue sends the same."""
    return {
        "queued": stats.pending,
        "processing": stats.running,
        "completed": stats.completed,
        "failed": stats.failed,
        "cancelled": stats.cancelled,
        "total": stats.total,
    }


def task_shape(task: Task) -> dict[str, object]:
    """v1's task."""
    return {
        "task_id": task.id,
        "stock_code": task.symbol,
        "analysis_type": task.analysis_type,
        "priority": task.priority,
        "status": legacy_status(task.status),
        "progress": task.progress,
        "created_at": stamp(task.created_at),
        "started_at": stamp_or_none(task.started_at),
        "finished_at": stamp_or_none(task.finished_at),
    }
