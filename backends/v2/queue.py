"""`/api/v2/queue`: the caller's analysis tasks as a queue."""

from pydantic import Field

from backends.domain.errors import FaultKind
from backends.domain.queue import TaskQueue, TaskStatus
from backends.domain.rules import AnalysisType, Priority, Symbols
from backends.v2.endpoint import Area, Call, Endpoint, NoInput
from backends.v2.shape import Input, Listing, Output, PageQuery


class SubmitBody(Input):
    """The stocks to analyse, each a task."""

    symbols: Symbols
    analysis_type: AnalysisType = "technical"
    priority: Priority = 5


class TasksQuery(PageQuery):
    """Which tasks."""

    status: TaskStatus | None = None


class QueueStats(Output):
    """How many of the caller's tasks are where."""

    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    total: int


class Submitted(Output):
    """The tasks that were put into the queue."""

    task_ids: list[str]
    accepted: int


class QueueTask(Output):
    """A task; progress in percent."""

    task_id: str = Field(validation_alias="id")
    symbol: str
    analysis_type: str
    priority: int
    status: TaskStatus
    progress: int
    created_at: str
    started_at: str | None
    finished_at: str | None


class QueueTasks(Listing[QueueTask]):
    """One page of tasks."""


def queue_area(queue: TaskQueue) -> Area:
    """The endpoints of `/api/v2/queue`."""
    handlers = _Queue(queue)
    return Area(
        "queue",
        "The caller's tasks",
        (
            Endpoint(
                method="GET",
                path="/api/v2/queue/stats",
                summary="How many tasks are where",
                reads=NoInput,
                answers=QueueStats,
                handle=handlers.stats,
            ),
            Endpoint(
                method="POST",
                path="/api/v2/queue/submit",
                summary="One task a stock",
                reads=SubmitBody,
                answers=Submitted,
                handle=handlers.submit,
                status=201,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="GET",
                path="/api/v2/queue/tasks",
                summary="Tasks, newest first",
                reads=TasksQuery,
                answers=QueueTasks,
                handle=handlers.tasks,
            ),
            Endpoint(
                method="GET",
                path="/api/v2/queue/tasks/{id}",
                summary="One task",
                reads=NoInput,
                answers=QueueTask,
                handle=handlers.task,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="DELETE",
                path="/api/v2/queue/tasks/{id}",
                summary="Cancels a task that is not finished",
                reads=NoInput,
                answers=QueueTask,
                handle=handlers.cancel,
                faults=(FaultKind.NOT_FOUND, FaultKind.CONFLICT),
            ),
        ),
    )


class _Queue:
    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue

    async def stats(self, call: Call[NoInput]) -> QueueStats:
        return QueueStats.of(await self._queue.stats(call.user))

    async def submit(self, call: Call[SubmitBody]) -> Submitted:
        given = call.input
        ids = await self._queue.submit(call.user, given.symbols, given.analysis_type, given.priority)
        return Submitted(task_ids=ids, accepted=len(ids))

    async def tasks(self, call: Call[TasksQuery]) -> QueueTasks:
        asked = call.input
        return QueueTasks.page_of(
            await self._queue.tasks(call.user, asked.status, asked.page, asked.page_size), QueueTask.of
        )

    async def task(self, call: Call[NoInput]) -> QueueTask:
        return QueueTask.of(await self._queue.task(call.user, call.part("id")))

    async def cancel(self, call: Call[NoInput]) -> QueueTask:
        return QueueTask.of(await self._queue.cancel(call.user, call.part("id")))
