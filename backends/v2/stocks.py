"""`/api/v2/stocks`: the list, one stock, its quote, its k-lines."""

from backends.domain.errors import FaultKind
from backends.domain.market import Market, StockQuery
from backends.domain.rules import CandleLimit, Period
from backends.v2.endpoint import Area, Call, Endpoint, NoInput
from backends.v2.shape import Input, Listing, Output, PageQuery


class StocksQuery(PageQuery):
    """Which stocks; `q` is looked for in symbol and name."""

    market: str | None = None
    industry: str | None = None
    q: str | None = None


class KlineQuery(Input):
    """Which k-lines, and how many."""

    period: Period = "day"
    limit: CandleLimit = 60


class StockItem(Output):
    """A stock as lists show it."""

    symbol: str
    name: str
    market: str
    industry: str
    list_date: str


class StockItems(Listing[StockItem]):
    """One page of stocks."""


class Stock(StockItem):
    """A stock."""

    total_shares: int


class Quote(Output):
    """What a stock costs now."""

    symbol: str
    name: str
    price: float
    change: float
    change_percent: float
    open: float
    high: float
    low: float
    prev_close: float
    volume: int
    time: str


class Candle(Output):
    """One k-line; `turnover` is the money that changed hands."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: int
    turnover: float


class Kline(Output):
    """K-lines, oldest first."""

    symbol: str
    period: Period
    candles: list[Candle]


def stocks_area(market: Market) -> Area:
    """The endpoints of `/api/v2/stocks`."""
    handlers = _Stocks(market)
    return Area(
        "stocks",
        "Stocks, quotes and k-lines",
        (
            Endpoint(
                method="GET",
                path="/api/v2/stocks",
                summary="Stocks, by symbol",
                reads=StocksQuery,
                answers=StockItems,
                handle=handlers.page,
            ),
            Endpoint(
                method="GET",
                path="/api/v2/stocks/{symbol}",
                summary="One stock",
                reads=NoInput,
                answers=Stock,
                handle=handlers.stock,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="GET",
                path="/api/v2/stocks/{symbol}/quote",
                summary="What a stock costs now",
                reads=NoInput,
                answers=Quote,
                handle=handlers.quote,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="GET",
                path="/api/v2/stocks/{symbol}/kline",
                summary="What a stock cost, oldest first",
                reads=KlineQuery,
                answers=Kline,
                handle=handlers.kline,
                faults=(FaultKind.NOT_FOUND,),
            ),
        ),
    )


class _Stocks:
    def __init__(self, market: Market) -> None:
        self._market = market

    async def page(self, call: Call[StocksQuery]) -> StockItems:
        asked = call.input
        wanted = StockQuery(
            market=asked.market, industry=asked.industry, text=asked.q, page=asked.page, page_size=asked.page_size
        )
        return StockItems.page_of(await self._market.stocks(wanted), StockItem.of)

    async def stock(self, call: Call[NoInput]) -> Stock:
        return Stock.of(await self._market.stock(call.part("symbol")))

    async def quote(self, call: Call[NoInput]) -> Quote:
        return Quote.of(await self._market.quote(call.part("symbol")))

    async def kline(self, call: Call[KlineQuery]) -> Kline:
        symbol, asked = call.part("symbol"), call.input
        candles = await self._market.kline(symbol, asked.period, asked.limit)
        return Kline(symbol=symbol, period=asked.period, candles=[Candle.of(candle) for candle in candles])
