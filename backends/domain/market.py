"""Stocks, quotes and k-lines."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from backends.domain.page import Page


@dataclass(frozen=True, slots=True)
class Stock:
    """One listed stock; `prev_close` and `usual_volume` are where its quotes start from."""

    symbol: str
    name: str
    market: str
    industry: str
    list_date: str
    total_shares: int
    prev_close: float
    usual_volume: int


@dataclass(frozen=True, slots=True)
class StockQuery:
    """Which stocks: by market, industry, a piece of text in symbol or name; and which page."""

    market: str | None = None
    industry: str | None = None
    text: str | None = None
    page: int = 1
    page_size: int = 20


@dataclass(frozen=True, slots=True)
class Quote:
    """A stock's price at one tick; `time` is when it last moved."""

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


@dataclass(frozen=True, slots=True)
class Candle:
    """One k-line; `date` is `YYYY-MM-DD` (of a week: its last trading day)."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: int
    turnover: float


@dataclass(frozen=True, slots=True)
class MarketInfo:
    """One exchange and its local hours."""

    code: str
    name: str
    currency: str
    timezone: str
    open_time: str
    close_time: str


class Market:
    async def stocks(self, query: StockQuery) -> Page[Stock]:
        raise NotImplementedError

    async def stock(self, symbol: str) -> Stock:
        raise NotImplementedError

    async def quote(self, symbol: str) -> Quote:
        raise NotImplementedError

    async def kline(self, symbol: str, period: str, limit: int) -> list[Candle]:
        raise NotImplementedError

    async def between(self, symbol: str, start: str | None, end: str | None) -> list[Candle]:
        raise NotImplementedError

    def markets(self) -> list[MarketInfo]:
        raise NotImplementedError


type QuoteListener = Callable[[list[Quote]], Awaitable[None] | None]


class QuoteService:
    """platform.quotes: ticks and tells its listeners which quotes moved."""

    def subscribe(self, listener: Callable[[list[Quote]], None]) -> Callable[[], None]:
        """The listener is called (synchronously, must not block) with the changed quotes of each tick; returns unsubscribe()."""
        raise NotImplementedError
