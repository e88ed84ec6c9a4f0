"""`/api/social-media`: who talks about a stock. Only on v1."""

from aiohttp import web

from backends.domain.research import Research, SocialMedia, SourceMentions
from backends.v1.envelope import success


class SocialMediaArea:
    """The handler of `/api/social-media`."""

    def __init__(self, research: Research) -> None:
        self._research = research

    def routes(self) -> list[web.RouteDef]:
        """This area's path."""
        return [web.get("/api/social-media/{symbol}", self.mentions)]

    async def mentions(self, request: web.Request) -> web.Response:
        """Mentions, by source."""
        return success(social_shape(await self._research.social(request.match_info["symbol"])))


def social_shape(social: SocialMedia) -> dict[str, object]:
    """v1's mentions."""
    return {
        "stock_code": social.symbol,
        "stock_name": social.name,
        "total": social.total,
        "sources": [source_shape(source) for source in social.sources],
    }


def source_shape(source: SourceMentions) -> dict[str, object]:
    """v1's source."""
    return {
        "source": source.source,
        "mentions": source.mentions,
        "positive": source.positive,
        "negative": source.negative,
    }
