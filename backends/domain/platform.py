"""Puts the domain together: one store, one Redis, the services over them, the runner and the quote service."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from backends.domain import market as market_area
from backends.domain import news as news_area
from backends.domain.accounts import Accounts
from backends.domain.analysis import Analyses
from backends.domain.cache import Cache
from backends.domain.clock import Clock, SystemClock
from backends.domain.lenient import open_redis
from backends.domain.market import Market, QuoteService
from backends.domain.news import NewsDesk
from backends.domain.notifications import Notifications
from backends.domain.passwords import Passwords
from backends.domain.queue import TaskQueue
from backends.domain.research import Research
from backends.domain.runner import TaskRunner
from backends.domain.seeding import Seeding
from backends.domain.settings import SystemSettings
from backends.domain.store import Store, open_store
from backends.domain.tokens import Tokens
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
    runner: TaskRunner
    analysis: Analyses
    trends: Trends
    research: Research
    settings: SystemSettings
    notifications: Notifications
    store: Store
    redis: Redis
    clock: Clock
    caches: tuple[Cache, ...]

    async def forget_cached(self) -> None:
        """For a store filled just now: the same Redis may still hold values of the store before it."""
        for cache in self.caches:
            await cache.invalidate()


@asynccontextmanager
async def open_platform(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Platform]:
    """Opens, prepares and seeds the store, starts the runner and the quote service; leaving stops and closes it all."""
    clock = clock or SystemClock()
    passwords = Passwords()
    async with AsyncExitStack() as stack:
        store = open_store(settings.store_url)
        stack.push_async_callback(store.close)
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        await store.prepare()
        platform = _composed(settings, store, redis, passwords, clock)
        if await Seeding(store, passwords, clock, seed=settings.seed, days=settings.seed_days).run():
            await platform.forget_cached()
        stack.push_async_callback(platform.quotes.close)
        await platform.quotes.start()
        stack.push_async_callback(platform.runner.close)
        platform.runner.start()
        yield platform


def _composed(settings: Settings, store: Store, redis: Redis, passwords: Passwords, clock: Clock) -> Platform:
    """The services, each given what it needs."""
    interval_seconds = settings.quote_interval_seconds
    system = SystemSettings(store)
    notifications = Notifications(redis, clock)
    stocks_cache = Cache(redis, "stocks", seconds=market_area.CACHE_SECONDS)
    market = Market(store, stocks_cache, clock, seed=settings.seed, interval_seconds=interval_seconds)
    news_cache = Cache(redis, "news", seconds=news_area.CACHE_SECONDS)
    queue = TaskQueue(store, market, notifications, clock)
    analyses = Analyses(store, queue, market)
    return Platform(
        accounts=Accounts(store, redis, Tokens(settings.jwt_secret, clock), passwords, clock),
        watchlist=Watchlist(store, market, system, clock),
        market=market,
        quotes=QuoteService(market, clock, interval_seconds=interval_seconds),
        news=NewsDesk(store, news_cache, market, clock, random.Random()),
        queue=queue,
        runner=TaskRunner(store, queue, notifications, clock, analyses.conclude, step_seconds=settings.step_seconds),
        analysis=analyses,
        trends=Trends(store, market, clock),
        research=Research(market, analyses, seed=settings.seed),
        settings=system,
        notifications=notifications,
        store=store,
        redis=redis,
        clock=clock,
        caches=(stocks_cache, news_cache),
    )
