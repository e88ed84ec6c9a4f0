"""`python -m benchmarks.turns`: how long the loop waits for the store's thread, by how Python's threads take turns.

Each run lasts four seconds: something comes to the loop every millisecond and is 0.2 ms of work, while batches of 1 000
rows of the ledger are written, 20 ms apart. Printed is how late the loop was, and what a batch has taken.
"""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import click
import uvloop

from gateway.control.store.opening import open_store
from gateway.control.usage import Batch, Usage
from gateway.core.tasks import cancel_all, spawn
from gateway.core.threads import SWITCH_SECONDS

DAY: Final = 20_833
CALLERS, ENDPOINTS = 36, 28
SECONDS: Final = 4.0


def _rows(first: int) -> list[Usage]:
    """Return about 1 000 rows, of callers with all their endpoints."""
    found = []
    for number in range(first, first + CALLERS):
        name, noon = f"user-{number:06d}", DAY * 86_400.0 + 43_200
        who = "legacy", name, f'{{"claim:sub":"{name}"}}'
        found += [Usage(DAY, "platform", f"GET /api/{n}", *who, 17, 0, noon, noon) for n in range(ENDPOINTS)]
    return found


async def _write(folder: Path, took: list[float]) -> None:
    store = open_store(f"sqlite:///{folder / 'crossfade.db'}")
    try:
        for number in range(1, 10_000):
            begun = perf_counter()
            await store.record(Batch("benchmark", number, _rows(number % 20 * CALLERS)))
            took.append(perf_counter() - begun)
            await asyncio.sleep(0.02)
    finally:
        await store.close()


async def _late(folder: Path) -> tuple[list[float], list[float]]:
    late, took = list[float](), list[float]()
    tasks: set[asyncio.Task[Any]] = set()
    spawn(_write(folder, took), name="write", owner=tasks)
    end = perf_counter() + SECONDS
    while (due := perf_counter() + 0.001) < end:
        await asyncio.sleep(0.001)
        late.append(perf_counter() - due)
        work = perf_counter() + 0.0002
        while perf_counter() < work:
            pass
    await cancel_all(tasks)
    return late, took


@click.command()
@click.option("--rounds", default=3, show_default=True)
def main(rounds: int) -> None:
    """Print, for Python's own interval and for ours, how late the loop was."""
    for seconds in [0.005, SWITCH_SECONDS] * rounds:
        sys.setswitchinterval(seconds)
        with tempfile.TemporaryDirectory() as folder:
            late, took = uvloop.run(_late(Path(folder)))
        cuts = statistics.quantiles(late, n=100)
        click.echo(
            f"{seconds * 1e3:.1f} ms: p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms, "
            f"at most {max(late) * 1e3:.2f} ms; a batch {statistics.mean(took) * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    main()
