"""`/api/v2/config`: the system's settings and the markets; changing needs the role `admin`."""

from pydantic import Field

from backends.domain.market import Market
from backends.domain.rules import MaxWatchlist, Name, RefreshInterval
from backends.domain.settings import SystemSettings
from backends.v2.endpoint import Access, Area, Call, Endpoint, NoInput
from backends.v2.shape import Input, Output


class FeaturesChange(Input):
    """What to switch on or off; only what was sent changes."""

    realtime: bool = Field(default_factory=bool)
    news: bool = Field(default_factory=bool)
    analysis: bool = Field(default_factory=bool)


class SystemChange(Input):
    """The settings to change; only what was sent does, so no default is ever used, nor shown in the schema."""

    site_name: Name = Field(default_factory=str)
    default_market: Name = Field(default_factory=str)
    refresh_interval: RefreshInterval = Field(default_factory=int)
    max_watchlist: MaxWatchlist = Field(default_factory=int)
    features: FeaturesChange = Field(default_factory=FeaturesChange)


class Features(Output):
    """What is switched on."""

    realtime: bool
    news: bool
    analysis: bool


class SystemConfig(Output):
    """The system's settings; `refreshInterval` in seconds, `maxWatchlist` in items a user."""

    site_name: str
    default_market: str
    refresh_interval: int
    max_watchlist: int
    features: Features


class MarketInfo(Output):
    """An exchange and its local hours."""

    code: str
    name: str
    currency: str
    timezone: str
    open_time: str
    close_time: str


def config_area(settings: SystemSettings, market: Market) -> Area:
    """The endpoints of `/api/v2/config`."""
    handlers = _Config(settings, market)
    return Area(
        "config",
        "The system's settings",
        (
            Endpoint(
                method="GET",
                path="/api/v2/config/system",
                summary="The settings",
                reads=NoInput,
                answers=SystemConfig,
                handle=handlers.read,
            ),
            Endpoint(
                method="PATCH",
                path="/api/v2/config/system",
                summary="Changes settings",
                reads=SystemChange,
                answers=SystemConfig,
                handle=handlers.change,
                access=Access.ADMIN,
            ),
            Endpoint(
                method="GET",
                path="/api/v2/config/markets",
                summary="The markets",
                reads=NoInput,
                answers=list[MarketInfo],
                handle=handlers.markets,
            ),
        ),
    )


class _Config:
    def __init__(self, settings: SystemSettings, market: Market) -> None:
        self._settings = settings
        self._market = market

    async def read(self, call: Call[NoInput]) -> SystemConfig:
        return SystemConfig.of(await self._settings.read())

    async def change(self, call: Call[SystemChange]) -> SystemConfig:
        return SystemConfig.of(await self._settings.change(call.input.given()))

    async def markets(self, call: Call[NoInput]) -> list[MarketInfo]:
        return [MarketInfo.of(market) for market in self._market.markets()]
