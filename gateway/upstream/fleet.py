"""All upstreams of the running configuration."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.config.schema import Upstream
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.upstream.cluster import Cluster

log = logging.getLogger(__name__)


class Fleet:
    """Owns the running clusters, and those of earlier configurations until their last exchange has ended.

    A cluster whose settings stay the same keeps its connections and its health over a reload. Upstreams that rest have
    none: they are neither connected to nor probed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[str, Cluster] = {}
        self._resting: dict[str, Upstream] = {}
        self._retiring: dict[asyncio.Task[Any], Cluster] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Fleet {list(self._running.values())}, {len(self._retiring)} retiring>"

    def __iter__(self) -> Iterator[Cluster]:
        return iter(list(self._running.values()))

    @property
    def resting(self) -> frozenset[str]:
        """The upstreams that get nothing."""
        return frozenset(self._resting)

    def find(self, name: str) -> Cluster | None:
        """Return the running cluster of this name; None when a reload has just removed it.

        Who asks for one that rests wakes it: the clock has been set back to when it was of use.
        """
        return self._running.get(name) or self._wake(name)

    def apply(self, upstreams: Mapping[str, Upstream], resting: frozenset[str] = frozenset()) -> None:
        """Make `upstreams` the running ones, except those that rest.

        Must be called between two requests, with the snapshot that names them.
        """
        wanted = {name: settings for name, settings in upstreams.items() if name not in resting}
        for name, cluster in list(self._running.items()):
            if wanted.get(name) != cluster.settings:
                del self._running[name]
                self._retire(cluster)
        for name in upstreams.keys() & resting - self._resting.keys():
            log.info("%s is asked no more: all that it served is removed", name)
        self._resting = {name: settings for name, settings in upstreams.items() if name in resting}
        for name, settings in wanted.items():
            if name not in self._running:
                self._begin(name, settings)

    async def close(self) -> None:
        """Cut every connection."""
        every = [*self._running.values(), *self._retiring.values()]
        await cancel_all(self._tasks)
        self._running.clear()
        for cluster in every:
            await cluster.close()

    def _begin(self, name: str, settings: Upstream) -> Cluster:
        cluster = self._running[name] = Cluster(name, settings, self._clock)
        cluster.start()
        return cluster

    def _wake(self, name: str) -> Cluster | None:
        settings = self._resting.pop(name, None)
        return self._begin(name, settings) if settings is not None else None

    def _retire(self, cluster: Cluster) -> None:
        task = spawn(cluster.retire(), name=f"retire {cluster.name}", owner=self._tasks)
        self._retiring[task] = cluster
        task.add_done_callback(self._retiring.pop)
