"""`/api/analysis`: start one, follow it, read its result, look back."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.analysis import Analyses, HistoryEntry, Progress, Result
from backends.domain.rules import AnalysisType, Days, Symbol
from backends.shell.inputs import body, query
from backends.v1.access import caller
from backends.v1.envelope import listed, stamp, stamp_or_none, success
from backends.v1.paging import PageQuery
from backends.v1.status import legacy_status


class StartBody(BaseModel):
    """What to analyse, and over how many days."""

    stock_code: Symbol
    analysis_type: AnalysisType = "technical"
    days: Days = 60


class AnalysisArea:
    """The handlers of `/api/analysis`, but for the trends."""

    def __init__(self, analyses: Analyses) -> None:
        self._analyses = analyses

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.post("/api/analysis/stock", self.start),
            web.get("/api/analysis/tasks/{id}", self.progress),
            web.get("/api/analysis/result/{id}", self.result),
            web.get("/api/analysis/history", self.history),
        ]

    async def start(self, request: web.Request) -> web.Response:
        """Puts one task into the queue."""
        given = await body(request, StartBody)
        task = await self._analyses.start(caller(request), given.stock_code, given.analysis_type, given.days)
        return success({"task_id": task.id, "status": legacy_status(task.status)})

    async def progress(self, request: web.Request) -> web.Response:
        """How far a task is."""
        return success(progress_shape(await self._analyses.progress(caller(request), request.match_info["id"])))

    async def result(self, request: web.Request) -> web.Response:
        """What came out."""
        return success(result_shape(await self._analyses.result(caller(request), request.match_info["id"])))

    async def history(self, request: web.Request) -> web.Response:
        """The caller's analyses, newest first."""
        asked = query(request, PageQuery)
        return listed(await self._analyses.history(caller(request), asked.page, asked.page_size), past_shape)


def progress_shape(progress: Progress) -> dict[str, object]:
    """v1's progress; the stream of a task sends the same."""
    return {
        "task_id": progress.task_id,
        "stock_code": progress.symbol,
        "analysis_type": progress.analysis_type,
        "status": legacy_status(progress.status),
        "progress": progress.progress,
        "current_step": progress.current_step,
        "message": progress.message,
        "created_at": stamp(progress.created_at),
        "updated_at": stamp(progress.updated_at),
    }


def result_shape(result: Result) -> dict[str, object]:
    """v1's result."""
    found = result.indicators
    return {
        "task_id": result.task_id,
        "stock_code": result.symbol,
        "stock_name": result.name,
        "analysis_type": result.analysis_type,
        "recommendation": result.recommendation,
        "confidence": result.confidence,
        "indicators": {
            "ma5": found.ma5,
            "ma20": found.ma20,
            "rsi14": found.rsi14,
            "macd": found.macd,
            "volatility": found.volatility,
            "return_percent": found.return_percent,
        },
        "summary": result.summary,
        "completed_at": stamp(result.completed_at),
    }


def past_shape(entry: HistoryEntry) -> dict[str, object]:
    """v1's line of the history."""
    return {
        "task_id": entry.task_id,
        "stock_code": entry.symbol,
        "analysis_type": entry.analysis_type,
        "status": legacy_status(entry.status),
        "created_at": stamp(entry.created_at),
        "completed_at": stamp_or_none(entry.completed_at),
    }
