"""Analyses: a task of the queue seen as an analysis, with its progress and its result.

Owns the results (collection `analysis_tasks`, under the task's id). A result counts once its task is completed.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from backends.domain.errors import Fault, FaultKind
from backends.domain.judgement import Indicators, judge, measured, summary
from backends.domain.market import Market
from backends.domain.page import Page
from backends.domain.queue import UNFINISHED, Task, TaskQueue, TaskStatus
from backends.domain.store import Document, Store

__all__ = ["Analyses", "HistoryEntry", "Indicators", "Progress", "Result"]

COLLECTION = "analysis_tasks"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an analysis stands."""

    task_id: str
    symbol: str
    analysis_type: str
    status: TaskStatus
    progress: int
    current_step: str
    message: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Result:
    """What an analysis found; `recommendation` is `buy`, `hold` or `sell`, `confidence` from 0 to 1."""

    task_id: str
    symbol: str
    name: str
    analysis_type: str
    recommendation: str
    confidence: float
    indicators: Indicators
    summary: str
    completed_at: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of a user's history; `completed_at` is None until the task has finished."""

    task_id: str
    symbol: str
    analysis_type: str
    status: TaskStatus
    created_at: str
    completed_at: str | None


class Analyses:
    """Starts, shows and concludes analyses."""

    def __init__(self, store: Store, queue: TaskQueue, market: Market) -> None:
        self._store = store
        self._queue = queue
        self._market = market

    async def start(self, user: str, symbol: str, analysis_type: str, days: int) -> Task:
        """Puts one task into the queue."""
        (task_id,) = await self._queue.submit(user, [symbol], analysis_type, days=days)
        return await self._queue.task(user, task_id)

    async def progress(self, user: str, task_id: str) -> Progress:
        """Where one of the user's analyses stands."""
        task = await self._queue.task(user, task_id)
        return Progress(
            task_id=task.id,
            symbol=task.symbol,
            analysis_type=task.analysis_type,
            status=task.status,
            progress=task.progress,
            current_step=task.current_step,
            message=task.message,
            created_at=task.created_at,
            updated_at=task.updated_at,
        )

    async def result(self, user: str, task_id: str) -> Result:
        """What one of the user's analyses found; raises CONFLICT until it is completed, or if it never will be."""
        task = await self._queue.task(user, task_id)
        if task.status in UNFINISHED:
            raise Fault(FaultKind.CONFLICT, "the analysis has not finished yet")
        found = await self._results([task])
        if not found:
            raise Fault(FaultKind.CONFLICT, "the analysis ended without a result")
        return found[0]

    async def results(self, user: str, page: int, page_size: int) -> Page[Result]:
        """What the user's completed analyses found, newest first."""
        tasks = await self._queue.tasks(user, "completed", page, page_size)
        return Page(await self._results(tasks.items), tasks.total, page, page_size)

    async def history(self, user: str, page: int, page_size: int) -> Page[HistoryEntry]:
        """The user's analyses, newest first."""
        tasks = await self._queue.tasks(user, None, page, page_size)
        return Page([_entry(task) for task in tasks.items], tasks.total, page, page_size)

    async def conclude(self, task: Task) -> None:
        """Computes the task's result from the k-lines and stores it; the first one stored stays."""
        stock = await self._market.stock(task.symbol)
        candles = await self._market.kline(task.symbol, "day", task.days)
        figures = measured([candle.close for candle in candles])
        judgement = judge(task.analysis_type, figures)
        document: Document = {
            "_id": task.id,
            "user": task.user,
            "kind": "analysis",
            "name": stock.name,
            "recommendation": judgement.recommendation,
            "confidence": judgement.confidence,
            "indicators": asdict(figures),
            "summary": summary(stock.name, task.analysis_type, len(candles), figures, judgement),
            "created_at": task.created_at,
        }
        await self._store.insert(COLLECTION, document)

    async def _results(self, tasks: Sequence[Task]) -> list[Result]:
        completed = {task.id: task for task in tasks if task.status == "completed"}
        documents = await self._store.find(COLLECTION, {"_id": {"$in": list(completed)}})
        by_id = {document["_id"]: document for document in documents}
        return [_result(completed[task_id], by_id[task_id]) for task_id in completed if task_id in by_id]


def _result(task: Task, document: Document) -> Result:
    return Result(
        task_id=task.id,
        symbol=task.symbol,
        name=document["name"],
        analysis_type=task.analysis_type,
        recommendation=document["recommendation"],
        confidence=document["confidence"],
        indicators=Indicators(**document["indicators"]),
        summary=document["summary"],
        completed_at=task.finished_at or task.updated_at,
    )


def _entry(task: Task) -> HistoryEntry:
    return HistoryEntry(
        task_id=task.id,
        symbol=task.symbol,
        analysis_type=task.analysis_type,
        status=task.status,
        created_at=task.created_at,
        completed_at=task.finished_at,
    )
