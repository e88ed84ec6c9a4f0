"""Stocks, their quotes and their k-lines. Reads only; the seeding has written what is here."""

import math
from typing import Any

from backends.domain.cache import Cache
from backends.domain.candles import Candle, weekly
from backends.domain.clock import Clock, from_unix, iso
from backends.domain.errors import Fault, FaultKind
from backends.domain.exchanges import EXCHANGES, MarketInfo
from backends.domain.page import Page, page_of
from backends.domain.quotes import QuoteService
from backends.domain.stock import Quote, Stock, StockQuery
from backends.domain.store import Document, Store
from backends.domain.walk import Position, Start, Walk

__all__ = ["Candle", "Market", "MarketInfo", "Quote", "QuoteService", "Stock", "StockQuery"]

STOCKS = "stock_basics"
CANDLES = "daily_quotes"
CACHE_SECONDS = 10


class Market:
    """What is listed and what it costs. Keeps each stock's walk at the last tick."""

    def __init__(self, store: Store, cache: Cache, clock: Clock, *, seed: int, interval_seconds: float) -> None:
        self._store = store
        self._cache = cache
        self._clock = clock
        self._seed = seed
        self._interval_seconds = interval_seconds
        self._walks: dict[str, Walk] = {}

    def __repr__(self) -> str:
        return f"<Market: {len(self._walks)} walks, a tick each {self._interval_seconds:g} s>"

    async def stocks(self, query: StockQuery) -> Page[Stock]:
        """The stocks that fit, by symbol."""
        fitting = [stock for stock in await self.listed() if _fits(stock, query)]
        return page_of(fitting, query.page, query.page_size)

    async def listed(self) -> list[Stock]:
        """All stocks, by symbol."""
        documents = await self._cache.fetch("all", lambda: self._store.find(STOCKS, sort=[("_id", 1)]))
        return [_stock(document) for document in documents]

    async def stock(self, symbol: str) -> Stock:
        """One stock; raises NOT_FOUND."""
        document = await self._store.get(STOCKS, symbol)
        if document is None:
            raise Fault(FaultKind.NOT_FOUND, "there is no such stock", "symbol")
        return _stock(document)

    async def quote(self, symbol: str) -> Quote:
        """The stock's quote at the current tick."""
        return self.quote_at(await self.stock(symbol), self.tick())

    def tick(self) -> int:
        """The current tick, counted from 1970."""
        return math.floor(self._clock.now().timestamp() / self._interval_seconds)

    def quote_at(self, stock: Stock, tick: int) -> Quote:
        """The stock's quote at a tick."""
        return self._quote(stock, self._walk(stock).at(tick))

    def moved_quote(self, stock: Stock, since: int, tick: int) -> Quote | None:
        """The stock's quote at a tick, if it has moved after the earlier tick."""
        position = self._walk(stock).at(tick)
        return self._quote(stock, position) if position.moved_at > since else None

    async def kline(self, symbol: str, period: str, limit: int) -> list[Candle]:
        """The stock's last k-lines, a `day` or a `week` each, oldest first."""
        await self.stock(symbol)
        if period == "week":
            return weekly(await self._candles({"symbol": symbol}, 0))[-limit:]
        return await self._candles({"symbol": symbol}, limit)

    async def between(self, symbol: str, start: str | None, end: str | None) -> list[Candle]:
        """The stock's k-lines from one date to another, both included; None is an open end."""
        await self.stock(symbol)
        if start is not None and end is not None and start > end:
            raise Fault(FaultKind.INVALID, "the first date comes after the last one", "start")
        dates = {"$gte": start or "0000-00-00", "$lte": end or "9999-12-31"}
        return await self._candles({"symbol": symbol, "date": dates}, 0)

    async def last_days(self, count: int) -> dict[str, list[Candle]]:
        """Each stock's k-lines of the last trading days, oldest first."""
        first = (await self.listed())[0]
        dates = [candle.date for candle in await self._candles({"symbol": first.symbol}, count)]
        by_symbol: dict[str, list[Candle]] = {}
        for document in await self._store.find(CANDLES, {"date": {"$in": dates}}, sort=[("date", 1)]):
            by_symbol.setdefault(document["symbol"], []).append(_candle(document))
        return by_symbol

    def markets(self) -> list[MarketInfo]:
        """The exchanges."""
        return list(EXCHANGES.values())

    async def _candles(self, where: dict[str, Any], limit: int) -> list[Candle]:
        documents = await self._store.find(CANDLES, where, sort=[("date", -1)], limit=limit)
        return [_candle(document) for document in reversed(documents)]

    def _walk(self, stock: Stock) -> Walk:
        walk = self._walks.get(stock.symbol)
        if walk is None:
            start = Start(stock.symbol, stock.prev_close, stock.usual_volume)
            walk = self._walks[stock.symbol] = Walk(self._seed, start)
        return walk

    def _quote(self, stock: Stock, position: Position) -> Quote:
        change = round(position.price - stock.prev_close, 2)
        return Quote(
            symbol=stock.symbol,
            name=stock.name,
            price=position.price,
            change=change,
            change_percent=round(change / stock.prev_close * 100, 2),
            open=position.open,
            high=position.high,
            low=position.low,
            prev_close=stock.prev_close,
            volume=position.volume,
            time=iso(from_unix(position.moved_at * self._interval_seconds)),
        )


def _fits(stock: Stock, query: StockQuery) -> bool:
    text = (query.text or "").lower()
    return (
        query.market in {None, stock.market}
        and query.industry in {None, stock.industry}
        and (text in stock.symbol.lower() or text in stock.name.lower())
    )


def _stock(document: Document) -> Stock:
    return Stock(
        symbol=document["_id"],
        name=document["name"],
        market=document["market"],
        industry=document["industry"],
        list_date=document["list_date"],
        total_shares=document["total_shares"],
        prev_close=document["prev_close"],
        usual_volume=document["usual_volume"],
    )


def _candle(document: Document) -> Candle:
    return Candle(
        date=document["date"],
        open=document["open"],
        high=document["high"],
        low=document["low"],
        close=document["close"],
        volume=document["volume"],
        turnover=document["turnover"],
    )
