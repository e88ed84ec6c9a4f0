"""The gateway's own public paths: `/health`, `/.well-known/api-migrations`, and what the WebSocket tells of itself."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from aiohttp import web

from gateway.config import own_path
from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import Endpoint, Migration, Snapshot
from gateway.core.block import fields
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.policy import phase


class State(Protocol):
    """Whether the gateway still takes traffic."""

    @property
    def is_draining(self) -> bool: ...


class Sockets(Protocol):
    """What is known of the WebSockets."""

    def info(self) -> Mapping[str, Any]:
        """Describe them."""

    def quotes(self) -> Mapping[str, Any]:
        """Count the subscriptions to quotes."""


class LocalPaths:
    """The handler of the gateway's own public paths. It never sees a request that the policy did not send here."""

    def __init__(self, snapshot: Cell[Snapshot], clock: Clock, state: State, sockets: Sockets) -> None:
        self._sockets = sockets
        self._snapshot = snapshot
        self._clock = clock
        self._state = state

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        snapshot = self._snapshot.value
        answer = self._answer(snapshot.own_paths.get(request.path), snapshot)
        if snapshot.cors is not None:
            answer.headers.extend(fields(snapshot.cors.answer(request.headers.get("Origin"))))
        return answer

    def _answer(self, name: str | None, snapshot: Snapshot) -> web.Response:
        match name:
            case "health":
                return self._health()
            case own_path.SOCKET_INFO:
                return _json(200, self._sockets.info())
            case own_path.SOCKET_QUOTES:
                return _json(200, self._sockets.quotes())
        return _json(200, {"migrations": migrations(snapshot, self._clock.now())})

    def _health(self) -> web.Response:
        """200 while serving and 503 while draining, so that a load balancer stops sending before we stop taking."""
        if self._state.is_draining:
            return _json(503, {"status": "draining"})
        return _json(200, {"status": "ok"})


def _json(status: int, document: Mapping[str, Any]) -> web.Response:
    body = orjson.dumps(document)
    return web.Response(
        status=status, body=body, headers={"Content-Type": "application/json", "Cache-Control": "no-store"}
    )


def migrations(snapshot: Snapshot, now: float) -> list[Mapping[str, Any]]:
    """Return every migration with its phase at `now`, its dates and its endpoints, for machines to read."""
    endpoints: dict[str, list[Mapping[str, Any]]] = {name: [] for name in snapshot.migrations}
    for endpoint in snapshot.endpoints:
        endpoints[endpoint.owner].append(_mapping(endpoint))
    return [_describe(migration, endpoints[name], now) for name, migration in snapshot.migrations.items()]


def _describe(migration: Migration, endpoints: list[Mapping[str, Any]], now: float) -> Mapping[str, Any]:
    calendar = migration.deprecation
    return {
        "name": migration.name,
        "title": migration.title,
        "phase": phase.at(calendar, now).value if calendar is not None else phase.Phase.PARALLEL.value,
        "dates": _dates(calendar) if calendar is not None else None,
        "docs": calendar.docs if calendar is not None else None,
        "policy": calendar.policy if calendar is not None else None,
        "endpoints": endpoints,
    }


def _mapping(endpoint: Endpoint) -> Mapping[str, Any]:
    return {
        "legacy": {"method": endpoint.method, "path": str(endpoint.template)},
        "successor": {"method": endpoint.successor_method, "path": str(endpoint.successor_template)},
    }


def _dates(calendar: Deprecation) -> Mapping[str, str | None]:
    return {
        "announced": _iso(calendar.announced),
        "deprecated": _iso(calendar.deprecated),
        "gone": _iso(calendar.gone),
        "removed": _iso(calendar.removed),
    }


def _iso(moment: float) -> str | None:
    """Return ISO 8601 in UTC; a date that the file leaves out is infinitely far away and has none."""
    if math.isinf(moment):
        return None
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
