"""Puts the domain together: one store, one Redis, the services over them, the runner and the quote service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from backends.domain.accounts import Accounts
from backends.domain.analysis import Analyses
from backends.domain.clock import Clock, SystemClock
from backends.domain.market import Market, QuoteService
from backends.domain.news import NewsDesk
from backends.domain.notifications import Notifications
from backends.domain.queue import TaskQueue
from backends.domain.research import Research
from backends.domain.settings import SystemSettings
from backends.domain.store import Store
from backends.domain.trend import Trends
from backends.domain.watchlist import Watchlist


@dataclass(frozen=True, slots=True)
class Settings:
    """What a backend's process is told. `seed_days` is how many trading days of k-lines a fresh store gets."""

    store_url: str
    redis_url: str
    jwt_secret: str
    seed: int = 7
    seed_days: int = 260
    step_seconds: float = 0.4
    quote_interval_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Platform:
    """The open domain of one process."""

    accounts: Accounts
    watchlist: Watchlist
    market: Market
    quotes: QuoteService
    news: NewsDesk
    queue: TaskQueue
    analysis: Analyses
    trends: Trends
    research: Research
    settings: SystemSettings
    notifications: Notifications
    store: Store
    redis: Redis
    clock: Clock


@asynccontextmanager
async def open_platform(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Platform]:
    """Opens, prepares and seeds the store, and starts the runner and the quote service; closing stops them."""
    _ = SystemClock
    raise NotImplementedError
    yield
