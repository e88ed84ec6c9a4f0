"""`/api/daily-analysis`: a stock's last day against its averages. Only on v1."""

from aiohttp import web

from backends.domain.research import DailyAnalysis, Research
from backends.v1.envelope import success


class DailyAnalysisArea:
    """The handler of `/api/daily-analysis`."""

    def __init__(self, research: Research) -> None:
        self._research = research

    def routes(self) -> list[web.RouteDef]:
        """This area's path."""
        return [web.get("/api/daily-analysis/{symbol}", self.daily)]

    async def daily(self, request: web.Request) -> web.Response:
        """The last day."""
        return success(daily_shape(await self._research.daily(request.match_info["symbol"])))


def daily_shape(daily: DailyAnalysis) -> dict[str, object]:
    """v1's daily analysis."""
    return {
        "stock_code": daily.symbol,
        "stock_name": daily.name,
        "date": daily.date,
        "close": daily.close,
        "change_percent": daily.change_percent,
        "ma5": daily.ma5,
        "ma20": daily.ma20,
        "volume": daily.volume,
        "volume_ratio": daily.volume_ratio,
        "above_ma5": daily.above_ma5,
        "above_ma20": daily.above_ma20,
        "summary": daily.summary,
    }
