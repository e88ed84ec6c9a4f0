"""Puts v2 together: the areas over an open platform, and what every call passes through on its way to them."""

from collections.abc import AsyncIterator

from aiohttp import web

from backends.domain.faults import Faults
from backends.domain.platform import Platform, Settings
from backends.shell.failures import failures
from backends.shell.faults import faults_middleware
from backends.shell.running import Ready, run
from backends.v2.admin import admin_area
from backends.v2.analysis import analysis_area
from backends.v2.auth import auth_area
from backends.v2.config import config_area
from backends.v2.docs import docs_area
from backends.v2.endpoint import Area
from backends.v2.envelope import Failures, name_requests
from backends.v2.health import VERSION, health_area
from backends.v2.news import news_area
from backends.v2.queue import queue_area
from backends.v2.realtime import realtime_area
from backends.v2.serving import route_defs
from backends.v2.stocks import stocks_area
from backends.v2.watchlist import watchlist_area
from backends.v2.ws.entry import Entry
from backends.v2.ws.hub import Hub, hearing


async def serve(settings: Settings, *, host: str = "127.0.0.1", port: int, ready: Ready | None = None) -> None:
    """Runs v2 until SIGTERM, SIGINT or cancellation."""
    await run(build, settings, host=host, port=port, ready=ready)


def build(platform: Platform, *, faults: Faults) -> web.Application:
    """v2 as an application."""
    shape = Failures()
    hub = Hub(platform.clock)
    application = web.Application(
        middlewares=[name_requests, failures(shape), faults_middleware(faults, shape.unexpected)]
    )
    application.add_routes(route_defs(_areas(platform, hub, faults), platform.accounts))

    async def inform(_: web.Application) -> AsyncIterator[None]:
        async with hearing(hub, platform.quotes, platform.notifications):
            yield

    async def dismiss(_: web.Application) -> None:
        hub.dismiss()

    application.cleanup_ctx.append(inform)
    application.on_shutdown.append(dismiss)
    return application


def _areas(platform: Platform, hub: Hub, faults: Faults) -> list[Area]:
    described = [
        auth_area(platform.accounts),
        watchlist_area(platform.watchlist),
        news_area(platform.news),
        queue_area(platform.queue),
        analysis_area(platform.analysis),
        stocks_area(platform.market),
        config_area(platform.settings, platform.market),
        _realtime(platform, hub),
        health_area(),
        admin_area(faults),
    ]
    return [*described, docs_area(described, VERSION)]


def _realtime(platform: Platform, hub: Hub) -> Area:
    entry = Entry(platform.market, platform.analysis, platform.clock)
    return realtime_area(platform.accounts, hub, entry, platform.clock)
