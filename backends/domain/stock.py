"""A stock, the question for stocks, and a quote: the nouns of the market."""

from dataclasses import dataclass


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
