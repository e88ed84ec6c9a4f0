"""What only v1 offers: screening, fractals, the daily analysis, financial and social figures, reports.

Computes from the market's k-lines and the analyses' results; financial and social figures are made up from the seed.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from backends.domain.analysis import Analyses, Result
from backends.domain.candles import Candle
from backends.domain.fractals import Fractal, fractals
from backends.domain.indicators import moving_average
from backends.domain.market import Market, Stock
from backends.domain.page import Page

__all__ = [
    "DailyAnalysis",
    "FinancialData",
    "Fractal",
    "Report",
    "Research",
    "ScreenedStock",
    "Screening",
    "ScreeningField",
    "ScreeningQuery",
    "SocialMedia",
    "SourceMentions",
]

SOURCES = ("weibo", "xueqiu", "guba", "zhihu")


@dataclass(frozen=True, slots=True)
class ScreeningField:
    """One criterion that screening understands; `kind` is `number` or `text`."""

    name: str
    label: str
    kind: str


FIELDS = (
    ScreeningField("market", "exchange the stock is listed on", "text"),
    ScreeningField("min_change_percent", "least change of the last day in percent", "number"),
    ScreeningField("max_change_percent", "greatest change of the last day in percent", "number"),
    ScreeningField("min_volume", "least volume of the last day in shares", "number"),
    ScreeningField("limit", "how many stocks to list", "number"),
)


@dataclass(frozen=True, slots=True)
class ScreeningQuery:
    """Stocks to look for; None: any."""

    market: str | None = None
    min_change_percent: float | None = None
    max_change_percent: float | None = None
    min_volume: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ScreenedStock:
    """A stock and its last trading day."""

    symbol: str
    name: str
    change_percent: float
    volume: int
    close: float


@dataclass(frozen=True, slots=True)
class Screening:
    """The stocks found, the strongest first, and how many there were before the limit."""

    items: list[ScreenedStock]
    total: int


@dataclass(frozen=True, slots=True)
class DailyAnalysis:
    """The last trading day against the days before; `volume_ratio` compares with the mean of the last five days."""

    symbol: str
    name: str
    date: str
    close: float
    change_percent: float
    ma5: float
    ma20: float
    volume: int
    volume_ratio: float
    above_ma5: bool
    above_ma20: bool
    summary: str


@dataclass(frozen=True, slots=True)
class FinancialData:
    """Shares, market value in the stock's currency, and ratios; yields and growth in percent."""

    symbol: str
    name: str
    total_shares: int
    market_value: float
    pe_ratio: float
    pb_ratio: float
    dividend_yield: float
    revenue_growth: float


@dataclass(frozen=True, slots=True)
class SourceMentions:
    """How often one source mentioned a stock, and how."""

    source: str
    mentions: int
    positive: int
    negative: int


@dataclass(frozen=True, slots=True)
class SocialMedia:
    """Mentions of a stock by source."""

    symbol: str
    name: str
    total: int
    sources: list[SourceMentions]


@dataclass(frozen=True, slots=True)
class Report:
    """A completed analysis as plain text."""

    task_id: str
    symbol: str
    name: str
    title: str
    text: str
    completed_at: str


class Research:
    """Answers questions about stocks. Stores nothing."""

    def __init__(self, market: Market, analyses: Analyses, *, seed: int) -> None:
        self._market = market
        self._analyses = analyses
        self._seed = seed

    def fields(self) -> list[ScreeningField]:
        """What screening can ask for."""
        return list(FIELDS)

    async def screen(self, query: ScreeningQuery) -> Screening:
        """The stocks whose last trading day fits."""
        days = await self._market.last_days(2)
        rows = [
            screened_row(stock, days[stock.symbol])
            for stock in await self._market.listed()
            if query.market in {None, stock.market} and stock.symbol in days
        ]
        found = sorted((row for row in rows if _fits(row, query)), key=lambda row: (-row.change_percent, row.symbol))
        return Screening(found[: query.limit], len(found))

    async def fractals(self, symbol: str, limit: int = 250) -> list[Fractal]:
        """Top and bottom fractals in the stock's last k-lines."""
        return fractals(await self._market.kline(symbol, "day", limit))

    async def daily(self, symbol: str) -> DailyAnalysis:
        """The stock's last trading day against its averages."""
        stock = await self._market.stock(symbol)
        return daily_analysis(stock, await self._market.kline(symbol, "day", 20))

    async def financial(self, symbol: str) -> FinancialData:
        """The stock's financial figures."""
        stock = await self._market.stock(symbol)
        dice = random.Random(f"financial:{self._seed}:{symbol}")
        return FinancialData(
            symbol=symbol,
            name=stock.name,
            total_shares=stock.total_shares,
            market_value=round(stock.total_shares * stock.prev_close, 2),
            pe_ratio=round(dice.uniform(5, 60), 2),
            pb_ratio=round(dice.uniform(0.5, 12), 2),
            dividend_yield=round(dice.uniform(0, 6), 2),
            revenue_growth=round(dice.uniform(-20, 40), 2),
        )

    async def social(self, symbol: str) -> SocialMedia:
        """How often the stock is talked about."""
        stock = await self._market.stock(symbol)
        dice = random.Random(f"social:{self._seed}:{symbol}")
        sources = [_mentions(dice, source) for source in SOURCES]
        return SocialMedia(symbol, stock.name, sum(source.mentions for source in sources), sources)

    async def reports(self, user: str, page: int, page_size: int) -> Page[Result]:
        """The user's completed analyses, newest first."""
        return await self._analyses.results(user, page, page_size)

    async def report(self, user: str, task_id: str) -> Report:
        """One completed analysis as text."""
        return report_of(await self._analyses.result(user, task_id))


def screened_row(stock: Stock, candles: Sequence[Candle]) -> ScreenedStock:
    """A stock's last trading day against the one before."""
    last = candles[-1]
    return ScreenedStock(stock.symbol, stock.name, _change_percent(candles), last.volume, last.close)


def daily_analysis(stock: Stock, candles: Sequence[Candle]) -> DailyAnalysis:
    """The last of the k-lines against their averages."""
    last = candles[-1]
    closes = [candle.close for candle in candles]
    ma5, ma20 = moving_average(closes, 5), moving_average(closes, 20)
    change = _change_percent(candles)
    side = "above" if last.close > ma20 else "not above"
    return DailyAnalysis(
        symbol=stock.symbol,
        name=stock.name,
        date=last.date,
        close=last.close,
        change_percent=change,
        ma5=round(ma5, 4),
        ma20=round(ma20, 4),
        volume=last.volume,
        volume_ratio=round(last.volume / moving_average([candle.volume for candle in candles], 5), 4),
        above_ma5=last.close > ma5,
        above_ma20=last.close > ma20,
        summary=f"{stock.name} closed at {last.close:.2f} ({change:+.2f} %), {side} its 20-day average.",
    )


def report_of(result: Result) -> Report:
    """The result, written out."""
    figures = result.indicators
    lines = [
        f"Stock: {result.name} ({result.symbol})",
        f"Analysis: {result.analysis_type}",
        f"Recommendation: {result.recommendation} (confidence {result.confidence:.0%})",
        f"MA5 {figures.ma5:.2f}, MA20 {figures.ma20:.2f}, RSI14 {figures.rsi14:.1f}, MACD {figures.macd:.3f}",
        f"Volatility {figures.volatility:.1f} % a year, return {figures.return_percent:.2f} %",
        "",
        result.summary,
    ]
    title = f"{result.name}: {result.recommendation}"
    return Report(result.task_id, result.symbol, result.name, title, "\n".join(lines), result.completed_at)


def _change_percent(candles: Sequence[Candle]) -> float:
    return round((candles[-1].close / candles[-2].close - 1) * 100, 2) if len(candles) > 1 else 0.0


def _fits(row: ScreenedStock, query: ScreeningQuery) -> bool:
    return (
        (query.min_change_percent is None or row.change_percent >= query.min_change_percent)
        and (query.max_change_percent is None or row.change_percent <= query.max_change_percent)
        and (query.min_volume is None or row.volume >= query.min_volume)
    )


def _mentions(dice: random.Random, source: str) -> SourceMentions:
    mentions = dice.randint(40, 4000)
    positive = dice.randint(0, mentions)
    return SourceMentions(source, mentions, positive, dice.randint(0, mentions - positive))
