"""The document that `GET /api/status` answers."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway import __version__
from gateway.downstream.listener import Listener
from gateway.server.configuration import Loaded
from gateway.upstream.cluster import Cluster
from gateway.upstream.fleet import Fleet


def status(
    running: Loaded, fleet: Fleet, listener: Listener, open_requests: int, uptime_seconds: float
) -> Mapping[str, Any]:
    """Describe the process as it is now."""
    config = running.config
    return {
        "version": __version__,
        "uptime_seconds": round(uptime_seconds, 3),
        "state": "draining" if listener.is_draining else "serving",
        "config": {
            "revision": running.snapshot.revision,
            "digest": running.snapshot.digest,
            "file": str(running.path),
            "loaded_at": datetime.fromtimestamp(running.loaded_at, UTC).isoformat(timespec="milliseconds"),
        },
        # Their URLs can hold passwords, so only what they are is shown.
        "store": {"kind": config.store.partition(":")[0]},
        "redis": {"configured": True} if config.redis is not None else None,
        "upstreams": {cluster.name: _cluster(cluster) for cluster in fleet},
        "workers": [{"pid": os.getpid(), "open_requests": open_requests, "connections": listener.connections}],
        "drift": _drift(running),
    }


def _cluster(cluster: Cluster) -> Mapping[str, Any]:
    return {
        "endpoints": [
            {
                "url": pool.replica.address.text,
                "healthy": pool.replica.is_healthy,
                "ejected": pool.replica.is_ejected,
                "active": pool.busy,
                "idle": len(pool.idle),
            }
            for pool in cluster.pools
        ],
        "active": cluster.active,
        "queued": cluster.queued,
    }


def _drift(running: Loaded) -> Mapping[str, Any]:
    """Compare the file's percent with the live one, which is the file's as long as nothing else can move it."""
    drift = {}
    for name, migration in running.snapshot.migrations.items():
        intended = running.config.migrations[name].rollout.percent
        live = migration.rollout.percent
        drift[name] = {"file": intended, "live": live, "differs": intended != live}
    return drift
