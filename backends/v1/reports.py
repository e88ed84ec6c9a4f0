"""`/api/reports`: the caller's finished analyses, and one as text. Only on v1."""

from aiohttp import web

from backends.domain.analysis import Result
from backends.domain.research import Report, Research
from backends.shell.inputs import query
from backends.v1.access import caller
from backends.v1.envelope import listed, stamp, success
from backends.v1.paging import PageQuery


class ReportsArea:
    """The handlers of `/api/reports`."""

    def __init__(self, research: Research) -> None:
        self._research = research

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/reports", self.index),
            web.get("/api/reports/{task_id}", self.report),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """What the caller can read."""
        asked = query(request, PageQuery)
        return listed(await self._research.reports(caller(request), asked.page, asked.page_size), line_shape)

    async def report(self, request: web.Request) -> web.Response:
        """One report."""
        return success(report_shape(await self._research.report(caller(request), request.match_info["task_id"])))


def line_shape(result: Result) -> dict[str, object]:
    """v1's line of the list."""
    return {
        "task_id": result.task_id,
        "stock_code": result.symbol,
        "stock_name": result.name,
        "analysis_type": result.analysis_type,
        "recommendation": result.recommendation,
        "confidence": result.confidence,
        "completed_at": stamp(result.completed_at),
    }


def report_shape(report: Report) -> dict[str, object]:
    """v1's report."""
    return {
        "task_id": report.task_id,
        "stock_code": report.symbol,
        "stock_name": report.name,
        "title": report.title,
        "text": report.text,
        "completed_at": stamp(report.completed_at),
    }
