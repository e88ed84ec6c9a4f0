"""`/api/v2/news`: the list, one item, and the synchronisation."""

from typing import Literal

from backends.domain.errors import FaultKind
from backends.domain.news import NewsDesk
from backends.domain.rules import NewsLimit, Symbol
from backends.v2.endpoint import Area, Call, Endpoint, NoInput
from backends.v2.shape import Input, Listing, Output, PageQuery


class NewsQuery(PageQuery):
    """Which news: of one stock, or all."""

    symbol: Symbol | None = None


class SyncBody(Input):
    """What to fetch: some symbols' news, or everybody's."""

    symbols: list[Symbol] | None = None
    limit: NewsLimit = 10


class NewsItem(Output):
    """A piece of news as lists show it."""

    id: str
    title: str
    summary: str
    source: str
    symbols: list[str]
    sentiment: Literal["positive", "neutral", "negative"]
    published_at: str


class NewsItems(Listing[NewsItem]):
    """One page of news."""


class NewsArticle(NewsItem):
    """A piece of news with its text."""

    content: str


class NewsSync(Output):
    """How many items came in, and when."""

    synced: int
    updated_at: str


def news_area(news: NewsDesk) -> Area:
    """The endpoints of `/api/v2/news`."""
    handlers = _News(news)
    return Area(
        "news",
        "News about stocks",
        (
            Endpoint(
                method="GET",
                path="/api/v2/news",
                summary="News, newest first",
                reads=NewsQuery,
                answers=NewsItems,
                handle=handlers.page,
            ),
            Endpoint(
                method="GET",
                path="/api/v2/news/{id}",
                summary="One item with its text",
                reads=NoInput,
                answers=NewsArticle,
                handle=handlers.item,
                faults=(FaultKind.NOT_FOUND,),
            ),
            Endpoint(
                method="POST",
                path="/api/v2/news/sync",
                summary="Fetches what is new",
                reads=SyncBody,
                answers=NewsSync,
                handle=handlers.sync,
                status=202,
                faults=(FaultKind.NOT_FOUND,),
            ),
        ),
    )


class _News:
    def __init__(self, news: NewsDesk) -> None:
        self._news = news

    async def page(self, call: Call[NewsQuery]) -> NewsItems:
        asked = call.input
        return NewsItems.page_of(await self._news.page(asked.symbol, asked.page, asked.page_size), NewsItem.of)

    async def item(self, call: Call[NoInput]) -> NewsArticle:
        return NewsArticle.of(await self._news.item(call.part("id")))

    async def sync(self, call: Call[SyncBody]) -> NewsSync:
        return NewsSync.of(await self._news.sync(call.input.symbols, call.input.limit))
