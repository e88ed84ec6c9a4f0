"""`/api/health` and `/api/monitoring/summary`: that v1 lives, and what it was asked so far. Only on v1.

Owns the counters of this process. An error is an answer of 500 and above, or none at all; a stream counts as a request
but not for the latency, because its length says nothing about speed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from backends.v1.envelope import success

VERSION = "1.0.0"

type Monotonic = Callable[[], float]


@dataclass(slots=True)
class AreaFigures:
    """What one area was asked."""

    requests: int = 0
    errors: int = 0
    timed: int = 0
    seconds: float = 0.0

    def mean_latency_ms(self) -> float:
        """Over the answers that were timed; 0 before the first."""
        return round(self.seconds / self.timed * 1000, 3) if self.timed else 0.0

    def shape(self) -> dict[str, object]:
        """v1's figures."""
        return {"requests": self.requests, "errors": self.errors, "mean_latency_ms": self.mean_latency_ms()}


class Traffic:
    """The figures of all areas since the process began."""

    def __init__(self, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._areas: dict[str, AreaFigures] = {}

    def __repr__(self) -> str:
        total = self.total()
        return f"<Traffic: {total.requests} requests, {total.errors} errors>"

    def uptime_seconds(self) -> float:
        """Since the process began."""
        return round(self._monotonic() - self._started, 3)

    def total(self) -> AreaFigures:
        """All areas together."""
        every = self._areas.values()
        return AreaFigures(
            requests=sum(area.requests for area in every),
            errors=sum(area.errors for area in every),
            timed=sum(area.timed for area in every),
            seconds=sum(area.seconds for area in every),
        )

    def areas(self) -> dict[str, dict[str, object]]:
        """Each area's figures, by name."""
        return {name: self._areas[name].shape() for name in sorted(self._areas)}

    def middleware(self) -> Middleware:
        """Counts every call; the outermost middleware, so that it sees the final status."""

        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            figures = self._areas.setdefault(area_of(request), AreaFigures())
            figures.requests += 1
            began = self._monotonic()
            response = await handler(request)
            if is_failure(request, response):
                figures.errors += 1
            if response.content_type != "text/event-stream":
                figures.timed += 1
                figures.seconds += self._monotonic() - began
            return response

        return count


class MonitoringArea:
    """The handlers of `/api/health` and `/api/monitoring`."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/health", self.health),
            web.get("/api/monitoring/summary", self.summary),
        ]

    async def health(self, request: web.Request) -> web.Response:
        """Alive; the store and Redis are not asked, a side without them still answers."""
        return success({"status": "ok", "version": VERSION, "uptime_seconds": self._traffic.uptime_seconds()})

    async def summary(self, request: web.Request) -> web.Response:
        """The figures; this call is counted already, but not timed."""
        return success(
            {
                "uptime_seconds": self._traffic.uptime_seconds(),
                **self._traffic.total().shape(),
                "areas": self._traffic.areas(),
            }
        )


def area_of(request: web.Request) -> str:
    """`favorites` for `/api/favorites/{stock_code}`; paths that v1 does not know are one area."""
    resource = request.match_info.route.resource
    if resource is None:
        return "unknown"
    parts = resource.canonical.strip("/").split("/")
    return parts[1] if parts[0] == "api" else parts[0]


def is_failure(request: web.Request, response: web.StreamResponse) -> bool:
    """The caller got a 500, or lost the connection."""
    return response.status >= 500 or request.transport is None or request.transport.is_closing()
