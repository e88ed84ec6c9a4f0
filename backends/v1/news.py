"""`/api/news`: the list, one item, and the synchronisation."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.news import NewsDesk, NewsItem
from backends.domain.rules import NewsLimit, Symbol
from backends.shell.inputs import body, query
from backends.v1.envelope import listed, stamp, success
from backends.v1.paging import PageQuery


class NewsQuery(PageQuery):
    """Which news."""

    symbol: Symbol | None = None


class SyncBody(BaseModel):
    """What to fetch: some symbols' news, or everybody's."""

    symbols: list[Symbol] | None = None
    limit: NewsLimit = 10


class NewsArea:
    """The handlers of `/api/news`."""

    def __init__(self, news: NewsDesk) -> None:
        self._news = news

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/news", self.page),
            web.post("/api/news/sync", self.sync),
            web.get("/api/news/{id}", self.item),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """News, newest first."""
        asked = query(request, NewsQuery)
        return listed(await self._news.page(asked.symbol, asked.page, asked.page_size), item_shape)

    async def item(self, request: web.Request) -> web.Response:
        """One item with its text."""
        item = await self._news.item(request.match_info["id"])
        return success({**item_shape(item), "content": item.content})

    async def sync(self, request: web.Request) -> web.Response:
        """Fetches what is new."""
        given = await body(request, SyncBody)
        result = await self._news.sync(given.symbols, given.limit)
        return success({"synced": result.synced, "updated_at": stamp(result.updated_at)})


def item_shape(item: NewsItem) -> dict[str, object]:
    """v1's news item as lists show it."""
    return {
        "id": item.id,
        "title": item.title,
        "summary": item.summary,
        "source": item.source,
        "symbols": list(item.symbols),
        "sentiment": item.sentiment,
        "published_at": stamp(item.published_at),
    }
