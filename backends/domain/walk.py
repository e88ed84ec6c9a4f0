"""Prices between the k-lines: a seeded random walk, a function of seed, stock and tick.

So both backends' processes agree on a price at the same tick without talking. A walk starts afresh from the previous
close every `SESSION_TICKS`, which bounds what a process that starts later must catch up on. Ticks count from 1970.
"""

import random
from dataclasses import dataclass, replace

SESSION_TICKS = 900
DEVIATION = 0.0007
"""Standard deviation of one move."""
PULL = 0.002
"""Share of the way back to the previous close that a move takes, so that prices stay within a few percent of it."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stock's walk starts from each session."""

    symbol: str
    prev_close: float
    usual_volume: int


@dataclass(frozen=True, slots=True)
class Position:
    """A stock at one tick, with its session's figures so far; `moved_at` is the tick of the last move."""

    price: float
    open: float
    high: float
    low: float
    volume: int
    moved_at: int


class Walk:
    """One stock's walk, kept at the last tick asked for, so that the next tick costs one step."""

    def __init__(self, seed: int, start: Start) -> None:
        self._seed = seed
        self._start = start
        self._next_tick = 0
        self._session = -1
        self._dice = random.Random()
        self._position = Position(start.prev_close, start.prev_close, start.prev_close, start.prev_close, 0, 0)

    def __repr__(self) -> str:
        return f"<Walk {self._start.symbol}: {self._position.price} at tick {self._next_tick - 1}>"

    def at(self, tick: int) -> Position:
        """The position at that tick; going back in time starts the session again."""
        session = tick // SESSION_TICKS
        if session != self._session or tick < self._next_tick - 1:
            self._open(session)
        while self._next_tick <= tick:
            self._position = self._step(self._position, self._next_tick)
            self._next_tick += 1
        return self._position

    def _open(self, session: int) -> None:
        self._session = session
        self._next_tick = session * SESSION_TICKS
        self._dice = random.Random(f"walk:{self._seed}:{self._start.symbol}:{session}")
        price = _price(self._start.prev_close * (1 + self._dice.gauss(0, 4 * DEVIATION)))
        self._position = Position(price, price, price, price, 0, self._next_tick)

    def _step(self, position: Position, tick: int) -> Position:
        """Half of the ticks move a stock."""
        if self._dice.random() < 0.5:
            return position
        way_back = (self._start.prev_close - position.price) / self._start.prev_close * PULL
        price = _price(position.price * (1 + self._dice.gauss(way_back, DEVIATION)))
        traded = int(self._start.usual_volume / SESSION_TICKS * self._dice.uniform(0.4, 3.6))
        return replace(
            position,
            price=price,
            high=max(position.high, price),
            low=min(position.low, price),
            volume=position.volume + traded,
            moved_at=tick,
        )


def quote_at(seed: int, start: Start, tick: int) -> Position:
    """A stock at a tick, from nothing but the arguments."""
    return Walk(seed, start).at(tick)


def _price(value: float) -> float:
    return max(0.01, round(value, 2))
