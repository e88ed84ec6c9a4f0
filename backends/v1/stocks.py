"""`/api/stocks`: the list, one stock, its quote, its k-lines."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.market import Candle, Market, Quote, Stock, StockQuery
from backends.domain.rules import CandleLimit, Period
from backends.shell.inputs import query
from backends.v1.envelope import listed, stamp, success
from backends.v1.paging import PageQuery


class StocksQuery(PageQuery):
    """Which stocks; `q` is looked for in code and name."""

    market: str | None = None
    industry: str | None = None
    q: str | None = None


class KlineQuery(BaseModel):
    """Which k-lines, and how many."""

    period: Period = "day"
    limit: CandleLimit = 60


class StocksArea:
    """The handlers of `/api/stocks`."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/stocks", self.index),
            web.get("/api/stocks/{symbol}", self.stock),
            web.get("/api/stocks/{symbol}/quote", self.quote),
            web.get("/api/stocks/{symbol}/kline", self.kline),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """Stocks, by code."""
        asked = query(request, StocksQuery)
        return listed(
            await self._market.stocks(StockQuery(asked.market, asked.industry, asked.q, asked.page, asked.page_size)),
            stock_shape,
        )

    async def stock(self, request: web.Request) -> web.Response:
        """One stock."""
        stock = await self._market.stock(request.match_info["symbol"])
        return success({**stock_shape(stock), "total_shares": stock.total_shares})

    async def quote(self, request: web.Request) -> web.Response:
        """What one costs now."""
        return success(quote_shape(await self._market.quote(request.match_info["symbol"])))

    async def kline(self, request: web.Request) -> web.Response:
        """What one cost in the past, oldest first."""
        asked = query(request, KlineQuery)
        symbol = request.match_info["symbol"]
        candles = await self._market.kline(symbol, asked.period, asked.limit)
        return success({"stock_code": symbol, "period": asked.period, "items": [candle_shape(c) for c in candles]})


def stock_shape(stock: Stock) -> dict[str, object]:
    """v1's stock as lists show it."""
    return {
        "stock_code": stock.symbol,
        "stock_name": stock.name,
        "market": stock.market,
        "industry": stock.industry,
        "list_date": stock.list_date,
    }


def quote_shape(quote: Quote) -> dict[str, object]:
    """v1's quote."""
    return {
        "stock_code": quote.symbol,
        "stock_name": quote.name,
        "price": quote.price,
        "change": quote.change,
        "change_percent": quote.change_percent,
        "open": quote.open,
        "high": quote.high,
        "low": quote.low,
        "prev_close": quote.prev_close,
        "volume": quote.volume,
        "time": stamp(quote.time),
    }


def candle_shape(candle: Candle) -> dict[str, object]:
    """v1's k-line; the money that changed hands is the `amount` here."""
    return {
        "date": candle.date,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "amount": candle.turnover,
    }
