"""News about stocks."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.domain.page import Page


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
    async def page(self, symbol: str | None, page: int, page_size: int) -> Page[NewsItem]:
        raise NotImplementedError

    async def item(self, news_id: str) -> NewsItem:
        raise NotImplementedError

    async def sync(self, symbols: Sequence[str] | None, limit: int) -> SyncResult:
        raise NotImplementedError
