"""`python -m benchmarks.ramps`: how often a healthy successor is rolled back, and how soon a bad one is.

Ramps on a clock that is moved by hand, with the gateway's own window, judge, state machine and controller and the gates
of the example file; tests/support/simulation.py says what traffic and noise there are. In brackets: the interval that
the share lies in with 95 % confidence. It takes half an hour on two cores; `--healthy 50 --bad 20` takes four minutes.
"""

import asyncio
import math
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Final

import click

from tests.support.simulation import Result, Scenario, Side, simulate

INTERVAL: Final = 10.0
PROMISED_SHARE: Final = 0.95
PROMISED_INTERVALS: Final = 3
PROMISED_RATE: Final = 200.0
FIVE: Final = Side(errors=0.05, factor=1.05)
FAULTS: Final = {
    "5 % errors": FIVE,
    "30 % errors": Side(errors=0.3, factor=1.05),
    "2 s slower": Side(factor=1.05, added_seconds=2.0),
    "connections refused": Side(errors=1.0, factor=0.01),
}
HEALTHY: Final = Scenario("healthy")
FROM_THE_START: Final = Scenario("5 % errors from the first step on", good=FIVE, bad=FIVE)
AT_TEN: Final = Scenario("", percent=10, fault_at=900.0, seconds=3600.0, chunk=1.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario's ramps: how many, how long after the fault those that stepped back did so, and the promise."""

    name: str
    rate: float
    ramps: int
    seconds: Sequence[float]
    is_kept: bool

    def __str__(self) -> str:
        caught = len(self.seconds)
        low, high = wilson(caught, self.ramps)
        share = f"{caught} of {self.ramps}: {100 * caught / self.ramps:.3g} % ({100 * low:.1f}–{100 * high:.1f} %)"
        times = sorted(self.seconds)
        spread = (median(times), times[int(0.95 * (caught - 1))], times[-1]) if times else ()
        return f"| {self.name} | {self.rate:g} | {share} | {' / '.join(f'{one:.0f}' for one in spread) or '–'} |"


@click.command()
@click.option(
    "--healthy", default=500, show_default=True, type=click.IntRange(min=5), help="A fifth at 200 requests/s."
)
@click.option("--bad", default=100, show_default=True, type=click.IntRange(min=2), help="Ramps of each bad v2.")
@click.option("--seed", default=1, show_default=True)
def main(healthy: int, bad: int, seed: int) -> None:
    """Print what happens to healthy and to bad successors; the exit code says whether all of it is as promised."""
    click.echo("| successor | requests/s | stepped back | seconds from fault to action: median / 95 % / most |")
    click.echo("|---|---|---|---|")
    is_kept = True
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for scenario in scenarios():
            good = healthy if scenario.rate < PROMISED_RATE else healthy // 5
            seeds = range(seed, seed + (bad if is_bad(scenario) else good))
            row = judged(scenario, list(pool.map(partial(one, scenario), seeds, chunksize=4)))
            is_kept &= row.is_kept
            click.echo(f"{row}" + ("" if row.is_kept else " **not as promised**"))
    sys.exit(0 if is_kept else 1)


def scenarios() -> Sequence[Scenario]:
    """Return everything that is simulated."""
    return (
        HEALTHY,
        replace(HEALTHY, rate=200),
        FROM_THE_START,
        *(
            replace(AT_TEN, name=f"{name}, beginning at 10 %", bad=side, rate=rate)
            for rate in (20, 200)
            for name, side in FAULTS.items()
        ),
    )


def is_bad(scenario: Scenario) -> bool:
    """Return whether its successor is one that must be caught."""
    return scenario.bad != scenario.good or scenario.name == FROM_THE_START.name


def one(scenario: Scenario, seed: int) -> tuple[Result, float]:
    """Run one ramp; return it with the second in which its fault began, somewhere in an interval."""
    begins = scenario.fault_at + seed % INTERVAL
    result = asyncio.run(simulate(replace(scenario, fault_at=begins), seed))
    return result, begins if math.isfinite(begins) else result.reached(1) or 0.0


def judged(scenario: Scenario, results: Sequence[tuple[Result, float]]) -> Row:
    """Hold results to what is promised: healthy never, bad in 95 of 100, worst at 200 requests/s in three intervals."""
    seconds = [back[0] - begins for result, begins in results if (back := result.first_back()) is not None]
    if not is_bad(scenario):
        is_kept = not seconds
    elif scenario.rate >= PROMISED_RATE and scenario.bad is not FIVE:
        is_kept = len(seconds) == len(results) and max(seconds) <= PROMISED_INTERVALS * INTERVAL
    else:
        is_kept = len(seconds) >= PROMISED_SHARE * len(results)
    return Row(scenario.name, scenario.rate, len(results), seconds, is_kept)


def wilson(found: int, of: int, deviations: float = 1.96) -> tuple[float, float]:
    """Return the interval that a share lies in with 95 % confidence (Wilson 1927)."""
    share, square = found / of, deviations**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    spread = deviations * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(middle - spread, 0.0), min(middle + spread, 1.0)


if __name__ == "__main__":
    main()
