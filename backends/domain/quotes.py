"""The quote service: at each tick tells its listeners which quotes moved. Owns the ticking; prices are the market's."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from backends.domain.clock import Clock
from backends.domain.stock import Quote, Stock
from backends.domain.tasks import cancel_all, spawn

logger = logging.getLogger(__name__)

type QuoteListener = Callable[[list[Quote]], None]


class QuoteSource(Protocol):
    """Where prices come from: the market."""

    async def listed(self) -> list[Stock]:
        """All stocks."""
        ...

    def tick(self) -> int:
        """The current tick."""
        ...

    def moved_quote(self, stock: Stock, since: int, tick: int) -> Quote | None:
        """The stock's quote at a tick, if it has moved after the earlier tick."""
        ...


class QuoteService:
    """Ticks on the clock's own boundaries, so that both backends' processes tick together."""

    def __init__(self, market: QuoteSource, clock: Clock, *, interval_seconds: float) -> None:
        self._market = market
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._listeners: set[QuoteListener] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<QuoteService: {len(self._listeners)} listeners, {'ticking' if self._tasks else 'stopped'}>"

    def subscribe(self, listener: QuoteListener) -> Callable[[], None]:
        """Calls the listener, which must not block, with the quotes each tick moved; call the answer to end that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def start(self) -> None:
        """Begins to tick."""
        stocks = await self._market.listed()
        spawn(self._run(stocks, self._market.tick()), name="quotes", owner=self._tasks)

    async def close(self) -> None:
        """Ticks no more; safe to repeat."""
        await cancel_all(self._tasks)

    async def _run(self, stocks: list[Stock], told: int) -> None:
        while True:
            await asyncio.sleep(self._until_next_tick())
            tick = self._market.tick()
            if self._listeners:
                self._tell(self._moved(stocks, told, tick))
            told = tick

    def _until_next_tick(self) -> float:
        return self._interval_seconds - self._clock.now().timestamp() % self._interval_seconds

    def _moved(self, stocks: list[Stock], since: int, tick: int) -> list[Quote]:
        quotes = (self._market.moved_quote(stock, since, tick) for stock in stocks)
        return [quote for quote in quotes if quote is not None]

    def _tell(self, quotes: list[Quote]) -> None:
        if not quotes:
            return
        for listener in list(self._listeners):
            try:
                listener(quotes)
            except Exception:
                logger.exception("a listener to quotes failed")
