"""`/api/v2/analysis`: start one, follow it, read its result, look back."""

from typing import Literal

from backends.domain.analysis import Analyses
from backends.domain.errors import FaultKind
from backends.domain.queue import TaskStatus
from backends.domain.rules import AnalysisType, Days, Symbol
from backends.v2.endpoint import Area, Call, Endpoint, NoInput
from backends.v2.shape import Input, Listing, Output, PageQuery


class StartBody(Input):
    """What to analyse, and over how many days."""

    symbol: Symbol
    analysis_type: AnalysisType = "technical"
    days: Days = 60


class AnalysisStarted(Output):
    """The task that will do it."""

    task_id: str
    status: TaskStatus


class AnalysisProgress(Output):
    """How far an analysis is; progress in percent."""

    task_id: str
    symbol: str
    analysis_type: str
    status: TaskStatus
    progress: int
    current_step: str
    message: str
    created_at: str
    updated_at: str


class Indicators(Output):
    """Figures over the closes of the analysed days; volatility and return in percent."""

    ma5: float
    ma20: float
    rsi14: float
    macd: float
    volatility: float
    return_percent: float


class AnalysisResult(Output):
    """What an analysis found; confidence from 0 to 1."""

    task_id: str
    symbol: str
    name: str
    analysis_type: str
    recommendation: Literal["buy", "hold", "sell"]
    confidence: float
    indicators: Indicators
    summary: str
    completed_at: str


class PastAnalysis(Output):
    """A line of the history."""

    task_id: str
    symbol: str
    analysis_type: str
    status: TaskStatus
    created_at: str
    completed_at: str | None


class PastAnalyses(Listing[PastAnalysis]):
    """One page of the history."""


def analysis_area(analyses: Analyses) -> Area:
    """The endpoints of `/api/v2/analysis`."""
    handlers = _Analysis(analyses)
    return Area(
        "analysis",
        "Analyses of stocks",
        (
            Endpoint(
                method="POST",
                path="/api/v2/analysis/stock",
                summary="Starts an analysis",
                reads=StartBody,
                answers=AnalysisStarted,
                handle=handlers.start,
                status=202,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="GET",
                path="/api/v2/analysis/tasks/{id}",
                summary="How far an analysis is",
                reads=NoInput,
                answers=AnalysisProgress,
                handle=handlers.progress,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="GET",
                path="/api/v2/analysis/result/{id}",
                summary="What an analysis found",
                reads=NoInput,
                answers=AnalysisResult,
                handle=handlers.result,
                faults=(FaultKind.NOT_FOUND, FaultKind.CONFLICT),
            ),
            Endpoint(
                method="GET",
                path="/api/v2/analysis/history",
                summary="The caller's analyses, newest first",
                reads=PageQuery,
                answers=PastAnalyses,
                handle=handlers.history,
            ),
        ),
    )


class _Analysis:
    def __init__(self, analyses: Analyses) -> None:
        self._analyses = analyses

    async def start(self, call: Call[StartBody]) -> AnalysisStarted:
        given = call.input
        task = await self._analyses.start(call.user, given.symbol, given.analysis_type, given.days)
        return AnalysisStarted(task_id=task.id, status=task.status)

    async def progress(self, call: Call[NoInput]) -> AnalysisProgress:
        return AnalysisProgress.of(await self._analyses.progress(call.user, call.part("id")))

    async def result(self, call: Call[NoInput]) -> AnalysisResult:
        return AnalysisResult.of(await self._analyses.result(call.user, call.part("id")))

    async def history(self, call: Call[PageQuery]) -> PastAnalyses:
        return PastAnalyses.page_of(
            await self._analyses.history(call.user, call.input.page, call.input.page_size), PastAnalysis.of
        )
