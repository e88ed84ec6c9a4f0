"""`python -m benchmarks.bad_v2`: how soon a successor that has gone bad is left, by real processes in real time.

One gateway of two workers at 10 %, 200 requests a second, judged every 10 s by the contract's default gates. The
successor is well for a while, then: 30 % errors; 2 s late; no connection at all. Each is tried with and without
fallback. Says after how many intervals everybody was back on legacy, and what the callers saw. Ends with exit code 1
where that took more than three intervals, or where a caller saw an error in spite of fallback.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from tests.support.echo import Echo, Plan, Refusal
from tests.support.rollout_site import Callers, Site, rollout_site

INTERVAL_SECONDS: Final = 10.0
WELL_SECONDS: Final = 25.0
MOST_INTERVALS: Final = 3
PATIENCE_SECONDS: Final = 120.0
FAULT: Final = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
RAMP: Final = "ramp: {steps: [10, 50, 100], bake: 1h, interval: 10s}"

BAD: Final[dict[str, Callable[[], Plan]]] = {
    "30 % errors": lambda: lambda _request: FAULT if random.random() < 0.3 else 0.0,
    "2 s late": lambda: lambda _request: 2.0,
    "no connection": lambda: lambda _request: Refusal(is_reset=True),
}


@click.command()
@click.option("--rate", default=200.0, show_default=True, help="Requests a second.")
def main(rate: float) -> None:
    """Try every way to be bad and print a line for each."""
    raise SystemExit(asyncio.run(_measure(rate)))


async def _measure(rate: float) -> int:
    is_kept = True
    print(f"{'v2 is':<14} {'fallback':<9} {'left after':<22} {'errors seen':<12} by event")
    for name, plan in BAD.items():
        for fallback in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                rollout = f"{RAMP}\n      fallback: {str(fallback).lower()}"
                async with rollout_site(Path(folder), gateways=1, rollout=rollout) as site:
                    is_kept &= await _try(site, name, plan(), rate, fallback=fallback)
    return 0 if is_kept else 1


async def _try(site: Site, name: str, plan: Plan, rate: float, *, fallback: bool) -> bool:
    callers = Callers([site.gateways[0].public], rate)
    async with callers.calling():
        await asyncio.sleep(WELL_SECONDS)
        began = time.monotonic()
        _spoil(site.v2, plan)
        event = await _left(site)
        seconds = time.monotonic() - began
        await asyncio.sleep(3)
    errors = sum(one.status >= 500 for one in callers.asked) + len(callers.lost)
    intervals = seconds / INTERVAL_SECONDS
    left = f"{seconds:.1f} s, {intervals:.1f} intervals"
    print(f"{name:<14} {'on' if fallback else 'off':<9} {left:<22} {errors:<12} {event}")
    return intervals <= MOST_INTERVALS and not (fallback and errors)


def _spoil(v2: Echo, plan: Plan) -> None:
    v2.plan = plan


async def _left(site: Site) -> str:
    """Wait until the percent is 0, and return why."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = await site.get(0, "/api/rollouts/watchlist")
        if found["percent"] == 0:
            return f"{found['last_event']['what']}: {found['last_event']['why'][:90]}"
        await asyncio.sleep(0.2)
    return "never"


if __name__ == "__main__":
    main()
