"""`/api/config`: the system's settings, which only administrators change, and the markets."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.market import Market, MarketInfo
from backends.domain.rules import MaxWatchlist, Name, RefreshInterval
from backends.domain.settings import SystemConfig, SystemSettings
from backends.shell.bearer import require_role
from backends.shell.inputs import body
from backends.v1.envelope import success


class FeaturesBody(BaseModel):
    """Switches to set; those left out stay."""

    realtime: bool = False
    news: bool = False
    analysis: bool = False


class ConfigBody(BaseModel):
    """Settings to change; only what was sent does, so the defaults are never read."""

    site_name: Name = ""
    default_market: Name = ""
    refresh_interval: RefreshInterval = 1
    max_favorites: MaxWatchlist = 1
    features: FeaturesBody = FeaturesBody()


class ConfigArea:
    """The handlers of `/api/config`."""

    def __init__(self, settings: SystemSettings, market: Market) -> None:
        self._settings = settings
        self._market = market

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/config", self.show),
            web.patch("/api/config", self.change),
            web.get("/api/config/markets", self.markets),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """All settings."""
        return success(config_shape(await self._settings.read()))

    async def change(self, request: web.Request) -> web.Response:
        """Some settings, by an administrator."""
        require_role(request, "admin")
        given = await body(request, ConfigBody)
        changes = given.model_dump(exclude_unset=True)
        if "max_favorites" in changes:
            changes["max_watchlist"] = changes.pop("max_favorites")
        return success(config_shape(await self._settings.change(changes)))

    async def markets(self, request: web.Request) -> web.Response:
        """The exchanges."""
        return success([market_shape(market) for market in self._market.markets()])


def config_shape(config: SystemConfig) -> dict[str, object]:
    """v1's settings."""
    return {
        "site_name": config.site_name,
        "default_market": config.default_market,
        "refresh_interval": config.refresh_interval,
        "max_favorites": config.max_watchlist,
        "features": {
            "realtime": config.features.realtime,
            "news": config.features.news,
            "analysis": config.features.analysis,
        },
    }


def market_shape(market: MarketInfo) -> dict[str, object]:
    """v1's exchange."""
    return {
        "code": market.code,
        "name": market.name,
        "currency": market.currency,
        "timezone": market.timezone,
        "open_time": market.open_time,
        "close_time": market.close_time,
    }
