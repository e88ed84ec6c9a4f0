"""Analyses: a task of the queue seen as an analysis, with its progress and its result."""

from dataclasses import dataclass

from backends.domain.page import Page
from backends.domain.queue import Task, TaskStatus


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
class Indicators:
    """Figures over the closes of the analysed days; volatility is annualised, in percent like the return."""

    ma5: float
    ma20: float
    rsi14: float
    macd: float
    volatility: float
    return_percent: float


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
    async def start(self, user: str, symbol: str, analysis_type: str, days: int) -> Task:
        raise NotImplementedError

    async def progress(self, user: str, task_id: str) -> Progress:
        raise NotImplementedError

    async def result(self, user: str, task_id: str) -> Result:
        raise NotImplementedError

    async def history(self, user: str, page: int, page_size: int) -> Page[HistoryEntry]:
        raise NotImplementedError
