"""Puts v1 together: the areas over an open platform, and what every call passes through on its way to them."""

from aiohttp import web

from backends.domain.faults import Faults
from backends.domain.platform import Platform, Settings
from backends.shell.failures import failures
from backends.shell.faults import fault_routes, faults_middleware
from backends.shell.running import Ready, run
from backends.v1.access import access
from backends.v1.analysis import AnalysisArea
from backends.v1.auth import AuthArea
from backends.v1.chanlun import ChanlunArea
from backends.v1.config import ConfigArea
from backends.v1.daily_analysis import DailyAnalysisArea
from backends.v1.envelope import Failures, success
from backends.v1.favorites import FavoritesArea
from backends.v1.financial_data import FinancialDataArea
from backends.v1.historical_data import HistoricalDataArea
from backends.v1.inbox import Inboxes
from backends.v1.monitoring import MonitoringArea, Traffic
from backends.v1.news import NewsArea
from backends.v1.queue import QueueArea
from backends.v1.reports import ReportsArea
from backends.v1.screening import ScreeningArea
from backends.v1.social_media import SocialMediaArea
from backends.v1.stocks import StocksArea
from backends.v1.streams import StreamsArea
from backends.v1.trend import TrendArea

BEAT_SECONDS = 15.0


async def serve(settings: Settings, *, host: str = "127.0.0.1", port: int, ready: Ready | None = None) -> None:
    """Runs v1 until SIGTERM, SIGINT or cancellation."""
    await run(build, settings, host=host, port=port, ready=ready)


def build(platform: Platform, *, faults: Faults, beat_seconds: float = BEAT_SECONDS) -> web.Application:
    """v1 as an application; `beat_seconds` is how long an event stream may be silent."""
    shape = Failures()
    traffic = Traffic()
    inboxes = Inboxes(platform.notifications, beat_seconds=beat_seconds)
    application = web.Application(
        middlewares=[
            traffic.middleware(),
            failures(shape),
            faults_middleware(faults, shape.unexpected),
            access(platform.accounts),
        ]
    )
    application.add_routes(_migrating(platform))
    application.add_routes(_staying(platform, inboxes, traffic))
    application.add_routes(fault_routes(faults, lambda _, settings: success(settings)))
    application.on_shutdown.append(inboxes.on_shutdown)
    return application


def _migrating(platform: Platform) -> list[web.RouteDef]:
    """The seven areas that v2 has as well."""
    return [
        *AuthArea(platform.accounts).routes(),
        *FavoritesArea(platform.watchlist).routes(),
        *NewsArea(platform.news).routes(),
        *QueueArea(platform.queue).routes(),
        *AnalysisArea(platform.analysis).routes(),
        *StocksArea(platform.market).routes(),
        *ConfigArea(platform.settings, platform.market).routes(),
    ]


def _staying(platform: Platform, inboxes: Inboxes, traffic: Traffic) -> list[web.RouteDef]:
    """What is only here."""
    return [
        *ScreeningArea(platform.research).routes(),
        *ReportsArea(platform.research).routes(),
        *ChanlunArea(platform.research).routes(),
        *DailyAnalysisArea(platform.research).routes(),
        *HistoricalDataArea(platform.market).routes(),
        *FinancialDataArea(platform.research).routes(),
        *SocialMediaArea(platform.research).routes(),
        *TrendArea(platform.trends).routes(),
        *StreamsArea(platform.analysis, platform.queue, inboxes).routes(),
        *MonitoringArea(traffic).routes(),
    ]
