"""The document that `GET /api/status` answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway import __version__
from gateway.config.lint.rule import GONE_BELOW_FULL
from gateway.config.readiness import unready
from gateway.config.schema import Config
from gateway.config.snapshot import Snapshot
from gateway.server.configuration import Loaded
from gateway.server.crew import Member
from gateway.server.message import EndpointFigures, UpstreamFigures


def status(running: Loaded, state: str, members: Sequence[Member], uptime_seconds: float) -> Mapping[str, Any]:
    """Describe the gateway as it is now, by the workers' last reports."""
    config = running.config
    return {
        "version": __version__,
        "uptime_seconds": round(uptime_seconds, 3),
        "state": "serving" if state == "ready" else state,
        "config": {
            "revision": running.snapshot.revision,
            "digest": running.snapshot.digest,
            "file": str(running.path),
            "loaded_at": datetime.fromtimestamp(running.loaded_at, UTC).isoformat(timespec="milliseconds"),
        },
        # Their URLs can hold passwords, so only what they are is shown.
        "store": {"kind": config.store.partition(":")[0]},
        "redis": {"configured": True} if config.redis is not None else None,
        "upstreams": _upstreams(members),
        "realtime": _realtime(members) if config.realtime is not None else None,
        "workers": list(map(_worker, members)),
        "drift": _drift(running),
    }


def is_fit(upstream: str, members: Sequence[Member]) -> bool:
    """Return whether an upstream has an endpoint that can serve, or nobody has looked yet."""
    views = [
        found
        for member in members
        if member.report is not None
        for found in member.report.figures.upstreams
        if found.name == upstream
    ]
    endpoints = [endpoint for view in views for endpoint in view.endpoints]
    return not endpoints or any(endpoint.is_healthy and not endpoint.is_ejected for endpoint in endpoints)


def _worker(member: Member) -> Mapping[str, Any]:
    figures = member.report.figures if member.report is not None else None
    return {
        "pid": member.pid,
        "state": member.state.value,
        "revision": member.revision,
        "restarts": member.restarts,
        "connections": figures.connections if figures is not None else 0,
        "open_requests": figures.open_requests if figures is not None else 0,
    }


def _realtime(members: Sequence[Member]) -> Mapping[str, Any]:
    """Describe the WebSockets of all workers; each of them has its own upstream connections."""
    reports = [(member.pid, member.report.figures.realtime) for member in members if member.report is not None]
    known = [(pid, figures) for pid, figures in reports if figures is not None]
    return {
        "connections": sum(figures.connections for _, figures in known),
        "subscriptions": sum(figures.subscriptions for _, figures in known),
        "feeds": [{"pid": pid, **asdict(feed)} for pid, figures in known for feed in figures.feeds],
    }


def _upstreams(members: Sequence[Member]) -> Mapping[str, Any]:
    """Describe every upstream: counts are the workers' together, an endpoint is as bad as one of them finds it."""
    seen: dict[str, list[UpstreamFigures]] = {}
    for member in members:
        for upstream in member.report.figures.upstreams if member.report is not None else ():
            seen.setdefault(upstream.name, []).append(upstream)
    return {name: _upstream(views) for name, views in seen.items()}


def _upstream(views: Sequence[UpstreamFigures]) -> Mapping[str, Any]:
    endpoints: dict[str, list[EndpointFigures]] = {}
    for view in views:
        for endpoint in view.endpoints:
            endpoints.setdefault(endpoint.url, []).append(endpoint)
    return {
        "endpoints": [_endpoint(url, found) for url, found in endpoints.items()],
        "active": sum(view.active for view in views),
        "queued": sum(view.queued for view in views),
    }


def _endpoint(url: str, views: Sequence[EndpointFigures]) -> Mapping[str, Any]:
    return {
        "url": url,
        "healthy": all(view.is_healthy for view in views),
        "ejected": any(view.is_ejected for view in views),
        "active": sum(view.active for view in views),
        "idle": sum(view.idle for view in views),
    }


def _drift(running: Loaded) -> Mapping[str, Any]:
    """Compare the file's percent with the live one, which is the file's as long as nothing else can move it."""
    drift = {}
    for name, migration in running.snapshot.migrations.items():
        intended = running.config.migrations[name].rollout.percent
        live = migration.rollout.percent
        drift[name] = {"file": intended, "live": live, "differs": intended != live}
    return drift


def warnings(config: Config, snapshot: Snapshot, now: float) -> Iterator[str]:
    """Yield what `check` would say about the live percent, unless the file allows it."""
    for one in unready(snapshot, now):
        rule = GONE_BELOW_FULL.name
        if rule not in (*config.lint.allow, *config.migrations[one.migration].lint.allow):
            end = datetime.fromtimestamp(one.gone, UTC).strftime("%Y-%m-%d")
            yield f"{one.migration} is gone on {end}, and {one.percent:g} % are on the successor [{rule}]"
