"""News about stocks: pages, items, and the sync that fetches more (made up here, as there is no source to ask)."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backends.domain.articles import article
from backends.domain.cache import Cache
from backends.domain.clock import Clock, iso
from backends.domain.errors import Fault, FaultKind
from backends.domain.market import Market, Stock
from backends.domain.page import Page, skipped
from backends.domain.store import Document, Store

COLLECTION = "news"
CACHE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One piece of news; `sentiment` is `positive`, `neutral` or `negative`."""

    id: str
    title: str
    summary: str
    content: str
    source: str
    symbols: list[str]
    sentiment: str
    published_at: str


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many items a sync brought, and when."""

    synced: int
    updated_at: str


class NewsDesk:
    """Serves pages through the cache and invalidates it when a sync has written."""

    def __init__(self, store: Store, cache: Cache, market: Market, clock: Clock, dice: random.Random) -> None:
        self._store = store
        self._cache = cache
        self._market = market
        self._clock = clock
        self._dice = dice

    async def page(self, symbol: str | None, page: int, page_size: int) -> Page[NewsItem]:
        """News, newest first; of one stock if a symbol is given."""
        key = f"{symbol or '*'}:{page}:{page_size}"
        found = await self._cache.fetch(key, lambda: self._load(symbol, page, page_size))
        return Page([_item(document) for document in found["items"]], found["total"], page, page_size)

    async def item(self, news_id: str) -> NewsItem:
        """One piece of news; raises NOT_FOUND."""
        document = await self._store.get(COLLECTION, news_id)
        if document is None:
            raise Fault(FaultKind.NOT_FOUND, "there is no such news item")
        return _item(document)

    async def sync(self, symbols: Sequence[str] | None, limit: int) -> SyncResult:
        """Adds that many new items about the stocks (none given: about any); raises NOT_FOUND for an unknown stock."""
        stocks = [await self._market.stock(symbol) for symbol in symbols or ()] or await self._market.listed()
        now = self._clock.now()
        # In turn, so that every stock asked for gets its share.
        documents = [self._article(stocks[number % len(stocks)], now) for number in range(limit)]
        synced = await self._store.insert_many(COLLECTION, documents)
        await self._cache.invalidate()
        return SyncResult(synced, iso(now))

    def _article(self, stock: Stock, published: datetime) -> Document:
        return article(self._dice, f"n-{uuid.uuid4().hex[:16]}", stock.symbol, stock.name, published)

    async def _load(self, symbol: str | None, page: int, page_size: int) -> dict[str, Any]:
        where = {"symbols": {"$contains": symbol}} if symbol else {}
        items = await self._store.find(
            COLLECTION, where, sort=[("published_at", -1), ("_id", -1)], skip=skipped(page, page_size), limit=page_size
        )
        return {"items": items, "total": await self._store.count(COLLECTION, where)}


def _item(document: Document) -> NewsItem:
    return NewsItem(
        id=document["_id"],
        title=document["title"],
        summary=document["summary"],
        content=document["content"],
        source=document["source"],
        symbols=[*document["symbols"]],
        sentiment=document["sentiment"],
        published_at=document["published_at"],
    )
