"""What only v1 offers: screening, fractals, the daily analysis, financial and social figures, reports. platform.research"""

from dataclasses import dataclass

from backends.domain.analysis import Result
from backends.domain.page import Page


@dataclass(frozen=True, slots=True)
class ScreeningField:
    """One criterion that screening understands; `kind` is `number` or `text`."""

    name: str
    label: str
    kind: str


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
    symbol: str
    name: str
    change_percent: float
    volume: int
    close: float


@dataclass(frozen=True, slots=True)
class Screening:
    items: list[ScreenedStock]
    total: int


@dataclass(frozen=True, slots=True)
class Fractal:
    """`kind` is `top` or `bottom`, found in the k-lines with inclusions merged."""

    date: str
    kind: str
    price: float


@dataclass(frozen=True, slots=True)
class DailyAnalysis:
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
    source: str
    mentions: int
    positive: int
    negative: int


@dataclass(frozen=True, slots=True)
class SocialMedia:
    symbol: str
    name: str
    total: int
    sources: list[SourceMentions]


@dataclass(frozen=True, slots=True)
class Report:
    """A finished analysis as plain text."""

    task_id: str
    symbol: str
    name: str
    title: str
    text: str
    completed_at: str


class Research:
    def fields(self) -> list[ScreeningField]:
        raise NotImplementedError

    async def screen(self, query: ScreeningQuery) -> Screening:
        raise NotImplementedError

    async def fractals(self, symbol: str, limit: int = 250) -> list[Fractal]:
        raise NotImplementedError

    async def daily(self, symbol: str) -> DailyAnalysis:
        raise NotImplementedError

    async def financial(self, symbol: str) -> FinancialData:
        raise NotImplementedError

    async def social(self, symbol: str) -> SocialMedia:
        raise NotImplementedError

    async def reports(self, user: str, page: int, page_size: int) -> Page[Result]:
        raise NotImplementedError

    async def report(self, user: str, task_id: str) -> Report:
        raise NotImplementedError
