"""What comparisons of both sides' answers have found: the counts of this gateway, and samples in the store."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from gateway.control.store.port import Sample, Store, StoreError
from gateway.core.tasks import cancel_all, repeat, spawn
from gateway.observability.metrics import Metrics
from gateway.observability.shadow import ShadowSample

WRITE_SECONDS: Final = 2.0
WAITING: Final = 200
"""Samples that wait while the store is away; older ones give way."""
KEPT: Final = 50
"""Samples of each migration that are kept: the newest."""
RESULTS: Final = ("match", "mismatch", "error", "dropped")


class ShadowBook:
    """Owns the samples that are not written yet. Values in them are redacted where they are taken, in the workers."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._waiting: deque[Sample] = deque(maxlen=WAITING)
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<ShadowBook {len(self._waiting)} samples waiting>"

    def start(self) -> None:
        """Write samples from now on."""
        spawn(repeat(self._try, lambda: WRITE_SECONDS), name="write shadow samples", owner=self._tasks)

    async def close(self) -> None:
        """Write no more; may be called again."""
        await cancel_all(self._tasks)

    def add(self, samples: Iterable[ShadowSample]) -> None:
        """Take what the workers have found."""
        self._waiting.extend(map(_kept, samples))

    async def write(self) -> None:
        """Write what waits; raises StoreError, and then keeps it."""
        samples = list(self._waiting)
        if samples:
            await self._store.keep_samples(samples, KEPT)
            # Others may have come meanwhile, and pushed the oldest out.
            written = set(map(id, samples))
            self._waiting = deque((one for one in self._waiting if id(one) not in written), WAITING)

    async def show(self, migration: str) -> Mapping[str, Any]:
        """Return what `GET /api/shadow/{m}` answers; raises StoreError."""
        shadows, fields = self._metrics.shadows, self._metrics.shadow_fields
        counts = {result: shadows[(migration, result)] for result in RESULTS}
        found = sorted(((path, count) for (name, path), count in fields.items() if name == migration), key=_most)
        return {
            "migration": migration,
            "compared": counts["match"] + counts["mismatch"],
            "mismatched": counts["mismatch"],
            "errors": counts["error"],
            "dropped": counts["dropped"],
            "fields": [{"path": path, "count": count} for path, count in found],
            "samples": [_shown(sample) for sample in await self._store.samples(migration, KEPT)],
        }

    async def _try(self) -> None:
        with suppress(StoreError):
            await self.write()


def _most(field: tuple[str, int]) -> tuple[int, str]:
    return -field[1], field[0]


def _kept(sample: ShadowSample) -> Sample:
    detail = {one.path: {"legacy": one.legacy, "successor": one.successor} for one in sample.differences}
    return Sample(sample.at, sample.migration, sample.endpoint, tuple(detail), detail)


def _shown(sample: Sample) -> Mapping[str, Any]:
    at = datetime.fromtimestamp(sample.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": at, "endpoint": sample.endpoint, "differences": sample.detail}
