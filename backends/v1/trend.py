"""`/api/analysis/trend`: a regression over a stock's closes. Only on v1."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.rules import Days, Symbol
from backends.domain.trend import Trend, Trends
from backends.shell.inputs import body
from backends.v1.access import caller
from backends.v1.envelope import stamp, success


class TrendBody(BaseModel):
    """Which stock, over how many days."""

    stock_code: Symbol
    days: Days = 60


class TrendArea:
    """The handlers of `/api/analysis/trend`."""

    def __init__(self, trends: Trends) -> None:
        self._trends = trends

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.post("/api/analysis/trend", self.start),
            web.get("/api/analysis/trend/{id}", self.trend),
        ]

    async def start(self, request: web.Request) -> web.Response:
        """Finds a trend and keeps it."""
        given = await body(request, TrendBody)
        return success({"trend_id": await self._trends.start(caller(request), given.stock_code, given.days)})

    async def trend(self, request: web.Request) -> web.Response:
        """One of the caller's trends."""
        return success(trend_shape(await self._trends.get(caller(request), request.match_info["id"])))


def trend_shape(trend: Trend) -> dict[str, object]:
    """v1's trend."""
    return {
        "trend_id": trend.id,
        "stock_code": trend.symbol,
        "stock_name": trend.name,
        "days": trend.days,
        "direction": trend.direction,
        "slope": trend.slope,
        "fit": trend.fit,
        "start_date": trend.start_date,
        "end_date": trend.end_date,
        "created_at": stamp(trend.created_at),
    }
