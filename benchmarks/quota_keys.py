"""`python -m benchmarks.quota_keys`: a million invented keys against the tables of quotas, in one process.

Prints memory and the time of single counts, for the quotas of one process and for what is known of shared ones.
"""

import gc
import json
import sys
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Final

import click
import psutil

from benchmarks.place import VAR
from gateway.callers.shared_quota.known import Known
from gateway.config.identity import Identity, IdentityKind
from gateway.config.snapshot import Quota
from gateway.policy.identity import bounded
from gateway.policy.quota import CAPACITY, Charge, QuotaTable

BYTES_A_KEY: Final = 512
SHOWN: Final = 10
START: Final = 1_800_000_000.0
QUOTA: Final = Quota("by header", 100, 3600.0, (Identity(IdentityKind.HEADER, "x-key"),))

type Count = Callable[[Charge, float], object]


@click.command()
@click.option("--keys", default=1_000_000, show_default=True, type=click.IntRange(min=SHOWN))
def main(keys: int) -> None:
    """Count each key once, 10 µs apart; the exit code says whether memory stayed below its bound."""
    table, known = QuotaTable(), Known()
    results = {
        "one process": _flood("one process", keys, lambda charge, now: table.grant([charge], now)),
        "shared": _flood("shared", keys, lambda charge, now: known.learn(charge, now + 36.0, now)),
    }
    VAR.mkdir(parents=True, exist_ok=True)
    (VAR / "quota-keys.json").write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(max(results.values()) > CAPACITY * BYTES_A_KEY)


def _flood(name: str, keys: int, count: Count) -> int:
    """Return by how many bytes the process has grown."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    click.echo(f"{name}: {keys} keys, at most {CAPACITY} remembered, bound {CAPACITY * BYTES_A_KEY / 2**20:.0f} MiB")
    click.echo(f"{'keys':>9} {'MiB':>6} {'p50 µs':>7} {'p99 µs':>7} {'p99.9':>7} {'worst':>8}")
    part, grown = keys // SHOWN, 0
    for number in range(SHOWN):
        times = sorted(_timed(number * part, part, count))
        grown = max(grown, psutil.Process().memory_info().rss - before - sys.getsizeof(times))
        figures = [times[min(len(times) - 1, int(share * len(times)))] / 1e3 for share in (0.5, 0.99, 0.999, 1.0)]
        shown = " ".join(f"{figure:7.1f}" for figure in figures)
        click.echo(f"{(number + 1) * part:9} {grown / 2**20:6.1f} {shown}")
    return grown


def _timed(first: int, count: int, step: Count) -> Iterator[int]:
    for number in range(first, first + count):
        charge = Charge(QUOTA, bounded(f"header:x-key=invented-{number:032d}"))
        now = START + number * 1e-5
        begun = perf_counter_ns()
        step(charge, now)
        yield perf_counter_ns() - begun


if __name__ == "__main__":
    main()
