"""v1's trend: a regression over a stock's closes, kept under an id."""

from dataclasses import dataclass


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
    """platform.trends"""

    async def start(self, user: str, symbol: str, days: int) -> str:
        raise NotImplementedError

    async def get(self, user: str, trend_id: str) -> Trend:
        raise NotImplementedError
