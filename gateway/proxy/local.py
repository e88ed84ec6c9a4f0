"""The gateway's own public paths: `/health` and `/.well-known/api-migrations`."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.config.snapshot import Deprecation, Endpoint, Migration, Snapshot
from gateway.core.http import Fields
from gateway.downstream.client import Reply
from gateway.policy import phase

NOT_STORED: Fields = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


def reply(name: str, snapshot: Snapshot, now: float, *, is_draining: bool) -> Reply:
    """Return the answer of one of the gateway's own paths."""
    if name == "health":
        return health(is_draining=is_draining)
    return Reply(200, NOT_STORED, orjson.dumps({"migrations": migrations(snapshot, now)}))


def health(*, is_draining: bool) -> Reply:
    """Return 200 while serving and 503 while draining, so that a load balancer stops sending before we stop taking."""
    if is_draining:
        return Reply(503, NOT_STORED, b'{"status":"draining"}')
    return Reply(200, NOT_STORED, b'{"status":"ok"}')


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
