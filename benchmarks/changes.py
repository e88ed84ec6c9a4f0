"""`python -m benchmarks.changes`: a thousand changes of a percent in a minute, on two gateways of two workers each.

Real Redis, a MongoDB-wire stand-in, and 200 requests a second: a quiet minute first, then the minute of changes. Says
what was lost, what came from a side that no percent of the moment gives, how soon the gateways agreed, and what the
answers took. Ends with exit code 1 where a request was lost or mistaken.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import click

from tests.support.rollout_site import Callers, Site, rollout_site

PERCENTS = (0, 100, 30, 70, 5, 95)


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long each of the two parts takes.")
@click.option("--changes", default=1000, show_default=True, help="How many changes there are in the second part.")
@click.option("--rate", default=200.0, show_default=True, help="Requests a second, over all gateways.")
def main(seconds: float, changes: int, rate: float) -> None:
    """Run both parts and print the table."""
    raise SystemExit(asyncio.run(_measure(seconds, changes, rate)))


async def _measure(seconds: float, count: int, rate: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with rollout_site(Path(folder)) as site:
            callers = Callers([gateway.public for gateway in site.gateways], rate)
            changes = [(time.monotonic(), 10.0)]
            async with callers.calling():
                await asyncio.sleep(seconds)
                begun = time.monotonic()
                slowest = await _change(site, changes, seconds, count)
                ended = time.monotonic()
    quiet = [one.ended - one.began for one in callers.asked if one.began < begun]
    busy = [one.ended - one.began for one in callers.asked if begun <= one.began < ended]
    wrong = callers.wrong_sided(changes)
    refused = [one for one in callers.asked if one.status != 200]
    print(f"{len(changes) - 1} changes in {ended - begun:.1f} s, {len(callers.asked)} requests")
    print(f"lost {len(callers.lost)}, not answered with 200 {len(refused)}, of a wrong side {len(wrong)}")
    print(f"a change was acknowledged after at most {1000 * slowest:.0f} ms")
    for name, found in (("quiet", quiet), ("changes", busy)):
        print(f"{name:<8} p50 {_milliseconds(found, 0.5)}  p99 {_milliseconds(found, 0.99)}")
    ratio = _percentile(busy, 0.99) / _percentile(quiet, 0.5)
    print(f"ratio p99-of-changes-to-quiet-median {ratio:.2f}")
    print(f"ratio p99-of-changes-to-quiet-p99 {_percentile(busy, 0.99) / _percentile(quiet, 0.99):.2f}")
    return 1 if callers.lost or refused or wrong else 0


async def _change(site: Site, changes: list[tuple[float, float]], seconds: float, count: int) -> float:
    """Make the changes, evenly; returns the longest time to an acknowledgement."""
    began, slowest = time.monotonic(), 0.0
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number * seconds / count - time.monotonic()))
        percent, asked = float(PERCENTS[number % len(PERCENTS)]), time.monotonic()
        changes.append((asked, percent))
        status, found = await site.post(number % len(site.gateways), "set", percent=percent)
        if status != 200:
            raise SystemExit(f"a change was refused: {status} {found}")
        slowest = max(slowest, time.monotonic() - asked)
    return slowest


def _percentile(found: list[float], share: float) -> float:
    ordered = sorted(found)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _milliseconds(found: list[float], share: float) -> str:
    return f"{1000 * _percentile(found, share):.1f} ms"


if __name__ == "__main__":
    main()
