"""v1's trend: a regression over a stock's closes, kept under an id (collection `analysis_tasks`)."""

import uuid
from dataclasses import asdict, dataclass

from backends.domain.clock import Clock, iso
from backends.domain.errors import Fault, FaultKind
from backends.domain.indicators import Regression, regression
from backends.domain.market import Market
from backends.domain.store import Store

COLLECTION = "analysis_tasks"
KIND = "trend"
FLAT_PERCENT_A_DAY = 0.02
"""Below this slope, relative to the last close, a stock goes neither up nor down."""


@dataclass(frozen=True, slots=True)
class Trend:
    """`direction` is `up`, `down` or `flat`; `slope` in price units a day, `fit` is R² from 0 to 1."""

    id: str
    symbol: str
    name: str
    days: int
    direction: str
    slope: float
    fit: float
    start_date: str
    end_date: str
    created_at: str


class Trends:
    """Computes a trend at once and keeps it for its user."""

    def __init__(self, store: Store, market: Market, clock: Clock) -> None:
        self._store = store
        self._market = market
        self._clock = clock

    async def start(self, user: str, symbol: str, days: int) -> str:
        """The id of a fresh trend over the last days; raises NOT_FOUND for an unknown stock."""
        stock = await self._market.stock(symbol)
        candles = await self._market.kline(symbol, "day", days)
        line = regression([candle.close for candle in candles])
        trend = Trend(
            id=f"trend-{uuid.uuid4().hex[:16]}",
            symbol=symbol,
            name=stock.name,
            days=len(candles),
            direction=direction(line, candles[-1].close),
            slope=round(line.slope, 6),
            fit=round(line.fit, 4),
            start_date=candles[0].date,
            end_date=candles[-1].date,
            created_at=iso(self._clock.now()),
        )
        document = {"_id": trend.id, "user": user, "kind": KIND, "trend": asdict(trend), "created_at": trend.created_at}
        await self._store.insert(COLLECTION, document)
        return trend.id

    async def get(self, user: str, trend_id: str) -> Trend:
        """One of the user's trends; raises NOT_FOUND, also for someone else's."""
        document = await self._store.get(COLLECTION, trend_id)
        if document is None or document["user"] != user or document["kind"] != KIND:
            raise Fault(FaultKind.NOT_FOUND, "there is no such trend")
        return Trend(**document["trend"])


def direction(line: Regression, last_close: float) -> str:
    """`up`, `down` or `flat`."""
    percent_a_day = line.slope / last_close * 100
    if abs(percent_a_day) < FLAT_PERCENT_A_DAY:
        return "flat"
    return "up" if percent_a_day > 0 else "down"
