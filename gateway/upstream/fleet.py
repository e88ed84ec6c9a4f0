"""All upstreams of the running configuration."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.config.schema import Upstream
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.upstream.cluster import Cluster


class Fleet:
    """Owns the running clusters, and those of earlier configurations until their last exchange has ended.

    A cluster whose settings stay the same keeps its connections and its health over a reload.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[str, Cluster] = {}
        self._retiring: dict[asyncio.Task[Any], Cluster] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Fleet {list(self._running.values())}, {len(self._retiring)} retiring>"

    def __iter__(self) -> Iterator[Cluster]:
        return iter(list(self._running.values()))

    def find(self, name: str) -> Cluster | None:
        """Return the running cluster of this name; None when a reload has just removed it."""
        return self._running.get(name)

    def apply(self, upstreams: Mapping[str, Upstream]) -> None:
        """Make `upstreams` the running ones; must be called between two requests, with the snapshot that names them."""
        for name, cluster in list(self._running.items()):
            if upstreams.get(name) != cluster.settings:
                del self._running[name]
                self._retire(cluster)
        for name, settings in upstreams.items():
            if name not in self._running:
                cluster = Cluster(name, settings, self._clock)
                cluster.start()
                self._running[name] = cluster

    async def close(self) -> None:
        """Cut every connection."""
        every = [*self._running.values(), *self._retiring.values()]
        await cancel_all(self._tasks)
        self._running.clear()
        for cluster in every:
            await cluster.close()

    def _retire(self, cluster: Cluster) -> None:
        task = spawn(cluster.retire(), name=f"retire {cluster.name}", owner=self._tasks)
        self._retiring[task] = cluster
        task.add_done_callback(self._retiring.pop)
