"""`/api/historical-data`: a stock's k-lines between two dates. Only on v1."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.market import Market
from backends.domain.rules import DateText
from backends.shell.inputs import query
from backends.v1.envelope import success
from backends.v1.stocks import candle_shape


class PeriodQuery(BaseModel):
    """From when to when, both days included; a date left out is no bound."""

    start: DateText | None = None
    end: DateText | None = None


class HistoricalDataArea:
    """The handler of `/api/historical-data`."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def routes(self) -> list[web.RouteDef]:
        """This area's path."""
        return [web.get("/api/historical-data/{symbol}", self.between)]

    async def between(self, request: web.Request) -> web.Response:
        """The k-lines of the period, oldest first."""
        asked = query(request, PeriodQuery)
        symbol = request.match_info["symbol"]
        candles = await self._market.between(symbol, asked.start, asked.end)
        return success(
            {
                "stock_code": symbol,
                "start": asked.start,
                "end": asked.end,
                "items": [candle_shape(candle) for candle in candles],
            }
        )
