"""`python -m benchmarks.ledger`: the consumer ledger of a month, in SQLite: what it costs to add to and to read.

Each report is read by a process of its own; shown are its time, the CPU time of it (on a busy machine the better
figure) and the greatest resident memory.
"""

import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Final

import click
import psutil

from benchmarks.place import VAR
from gateway.admin.consumers import consumers_body
from gateway.config.compile import compile_snapshot
from gateway.config.schema import Config
from gateway.control.audience import Audience
from gateway.control.store.opening import open_store
from gateway.control.store.port import Store
from gateway.control.usage import Batch, Usage

DAY: Final = 86_400
TODAY: Final = 20_800
BATCH: Final = 10_000
LIMIT_SECONDS: Final = 2.0
LIMIT_MIB: Final = 300.0
MIGRATION: Final = {
    "legacy": "v1",
    "successor": "v2",
    "endpoints": [{"legacy": "GET /api/favorites", "successor": "GET /api/v2/watchlist"}],
    "deprecation": {
        "announced": "2026-11-24",
        "deprecated": "2026-12-03",
        "gone": "2027-02-01",
        "removed": "2027-03-01",
        "brownouts": [{"at": "2027-01-12", "for": "1h"}, {"at": "2027-01-19", "for": "4h"}],
        "extensions": [{"consumer": "client-000001", "until": "2027-02-14"}],
    },
}
ENDPOINTS: Final = ("GET /api/favorites", "POST /api/favorites", "DELETE /api/favorites/{stock_code}")


@click.command()
@click.option("--consumers", default=100_000, show_default=True)
@click.option("--days", default=30, show_default=True)
@click.option("--endpoints", default=1, show_default=True, type=click.IntRange(1, len(ENDPOINTS)))
def main(consumers: int, days: int, endpoints: int) -> None:
    """Fill a ledger and read it; the exit code says whether consumers took under 2 s, and everything under 300 MiB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crossfade.db"
        filled = asyncio.run(_filled(path, consumers, days, endpoints))
        click.echo(
            f"{consumers} consumers × {days} days × {endpoints} endpoints: {path.stat().st_size / 2**20:.0f} MiB"
        )
        click.echo(f"filled in {filled:.0f} s")
        record = asyncio.run(_recorded(path, consumers, endpoints))
        click.echo(f"a batch of {BATCH} rows, of as many consumers: {', '.join(f'{one:.2f}' for one in record)} s")
        reports = {name: _in_a_process(name, path, TODAY - days + 1) for name in REPORTS}
    click.echo(f"{'':24} {'seconds':>8} {'of CPU':>8} {'MiB':>5} {'found':>8}")
    for name, one in reports.items():
        click.echo(f"{name:24} {one['seconds']:8.2f} {one['cpu']:8.2f} {one['mib']:5.0f} {one['found']:8.0f}")
    VAR.mkdir(parents=True, exist_ok=True)
    results = {"consumers": consumers, "days": days, "endpoints": endpoints, "record": record, "reports": reports}
    (VAR / "ledger.json").write_text(json.dumps(results, indent=1) + "\n")
    is_slow = any(reports[name]["seconds"] > LIMIT_SECONDS for name in QUICK)
    sys.exit(is_slow or any(one["mib"] > LIMIT_MIB for one in reports.values()))


async def _filled(path: Path, consumers: int, days: int, endpoints: int) -> float:
    store = open_store(f"sqlite:///{path}")
    begun = perf_counter()
    for number, rows in enumerate(batched(_month(consumers, days, endpoints), BATCH, strict=False), 1):
        await store.record(Batch("benchmark", number, rows))
    await store.close()
    return perf_counter() - begun


async def _recorded(path: Path, consumers: int, endpoints: int) -> list[float]:
    """Return how long one more second's batch takes, three times."""
    store = open_store(f"sqlite:///{path}")
    chance = Random(2)
    took = []
    for number in range(3):
        chosen = chance.sample(range(consumers), min(BATCH, consumers))
        rows = [_row(consumer, TODAY, ENDPOINTS[consumer % endpoints], chance) for consumer in chosen]
        begun = perf_counter()
        await store.record(Batch("another", number, rows))
        took.append(perf_counter() - begun)
    await store.close()
    return took


def _month(consumers: int, days: int, endpoints: int) -> Iterator[Usage]:
    chance = Random(1)
    for consumer in range(consumers):
        for endpoint in ENDPOINTS[:endpoints]:
            for day in range(TODAY - days + 1, TODAY + 1):
                yield _row(consumer, day, endpoint, chance)


def _row(consumer: int, day: int, endpoint: str, chance: Random) -> Usage:
    name = f"client-{consumer:06d}"
    profile = f'{{"claim:sub":"user-{consumer:06d}","ip":"198.51.100.0/24"}}'
    requests = chance.randint(1, 3000)
    first, last = day * DAY + chance.randint(0, 40_000), day * DAY + chance.randint(40_001, DAY - 1)
    failures = requests // 100
    side = "successor" if chance.random() < 0.1 else "legacy"
    return Usage(day, "watchlist", endpoint, side, name, profile, requests, failures, float(first), float(last))


async def _totals(store: Store, since_day: int) -> int:
    return len(await store.totals(since_day))


async def _totals_of_one(store: Store, since_day: int) -> int:
    return len(await store.totals(since_day, "watchlist"))


async def _last_day(store: Store, _: int) -> int:
    return sum([1 async for _ in store.usage(TODAY, "watchlist")])


class _Rules:
    """A migration whose headers began ten days ago, so that every consumer has a trend and dates ahead."""

    def __init__(self) -> None:
        self.config = Config.model_validate(
            {
                "version": "1",
                "upstreams": {name: {"endpoints": ["http://127.0.0.1:1"]} for name in ("v1", "v2")},
                "migrations": {"watchlist": MIGRATION},
            }
        )
        self.snapshot = compile_snapshot(self.config)


class _Evening:
    """The end of the last day."""

    def now(self) -> float:
        """Return wall-clock time."""
        return (TODAY + 1) * DAY - 1.0

    def monotonic(self) -> float:
        """Return nothing that counts."""
        return 0.0


def _audience(store: Store) -> Audience:
    return Audience(store, _Rules(), _Evening())


async def _consumers(store: Store, since_day: int) -> int:
    days = TODAY - since_day
    return len(consumers_body(*await _audience(store).clients(None, days * DAY, 1_000), days * DAY))


async def _everybody(store: Store, since_day: int) -> int:
    days = TODAY - since_day
    return len(consumers_body(*await _audience(store).clients(None, days * DAY, 10**9), days * DAY))


async def _consumers_of_a_week(store: Store, _: int) -> int:
    return len(consumers_body(*await _audience(store).clients(None, 6.0 * DAY, 1_000), 6.0 * DAY))


async def _forecast(store: Store, _: int) -> int:
    return sum(len(turn.hits) for turn in await _audience(store).outlook(None, None))


async def _forget(store: Store, since_day: int) -> int:
    await store.forget(since_day + 1)
    return 0


REPORTS: Final = {
    "totals": _totals,
    "totals of one migration": _totals_of_one,
    "/api/consumers, a month": _consumers,
    "the same, all in full": _everybody,
    "/api/consumers, a week": _consumers_of_a_week,
    "/api/forecast": _forecast,
    "usage of the last day": _last_day,
    "forget a day": _forget,
}
QUICK: Final = ("/api/consumers, a month", "/api/consumers, a week")


def _in_a_process(name: str, path: Path, since_day: int) -> dict[str, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_report, (name, path, since_day))


def _report(name: str, path: Path, since_day: int) -> dict[str, float]:
    async def ask() -> tuple[int, float, float]:
        store = open_store(f"sqlite:///{path}")
        await store.open()
        begun, cpu = perf_counter(), process_time()
        found = await REPORTS[name](store, since_day)
        took = perf_counter() - begun, process_time() - cpu
        await store.close()
        return found, *took

    found, seconds, cpu = asyncio.run(ask())
    most_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mib = max(most_kib / 2**10, psutil.Process().memory_info().rss / 2**20)
    return {"seconds": seconds, "cpu": cpu, "mib": mib, "found": found}


if __name__ == "__main__":
    main()
