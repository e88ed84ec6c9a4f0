"""`python -m benchmarks.ledger_cost`: what the consumer ledger costs a gateway under load.

A thousand callers call 28 endpoints at random, 8 000 times a second; played are two minutes of it, as quickly as it
goes, after the callers have come once. Counted is the CPU time of what is done with the counts: taken from a worker
every two seconds and added up, which the event loop does, and written to SQLite, which a thread does. Counting itself,
which is part of each request, is not.
"""

import asyncio
import gc
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import process_time, thread_time
from types import SimpleNamespace
from typing import Any, Final

import click

from gateway.config.compile import compile_snapshot
from gateway.config.schema import Config
from gateway.control.office import Office
from gateway.control.store.opening import open_store
from gateway.control.usage import Batch
from gateway.core.http import RequestHead
from gateway.observability.delta import Delta
from gateway.observability.metrics import Metrics
from gateway.policy.cohort import assign_token
from gateway.policy.decision import Caller
from gateway.policy.verified import Verified
from gateway.proxy.tally import Tally

ENDPOINTS: Final = 28
GATHER: Final = 2
BEGUN: Final = 1_800_000_000.0
HEAD: Final = RequestHead.of("GET", "/", [], "127.0.0.1")
CONFIG: Final[dict[str, Any]] = {
    "version": "1",
    "upstreams": {name: {"endpoints": ["http://127.0.0.1:1"]} for name in ("v1", "v2")},
    "auth": {"jwt": {"keys": [{"alg": "HS256", "secret": "a secret that is long enough for HS256"}]}},
    "migrations": {
        "platform": {
            "legacy": "v1",
            "successor": "v2",
            "auth": "required",
            "endpoints": [{"legacy": f"GET /api/{n}", "successor": f"GET /api/v2/{n}"} for n in range(ENDPOINTS)],
            "rollout": {"percent": 25, "by": ["claim:sub"]},
        }
    },
}


@dataclass
class Costs:
    """Seconds of CPU, and how many rows were written."""

    loop: list[float] = field(default_factory=list)
    store: float = 0.0
    rows: int = 0


class Rules:
    """The configuration above."""

    def __init__(self) -> None:
        self.config = Config.model_validate(CONFIG)
        self.snapshot = compile_snapshot(self.config)

    def is_fit(self, upstream: str) -> bool:
        return bool(upstream)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = BEGUN

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


class Weighed:
    """A store whose batches are weighed: while one is written, this process does nothing else."""

    def __init__(self, path: Path) -> None:
        self.store = open_store(f"sqlite:///{path}")
        self.seconds, self.rows = 0.0, 0

    async def record(self, batch: Batch) -> None:
        """Write a batch."""
        begun = process_time()
        await self.store.record(batch)
        self.seconds += process_time() - begun
        self.rows += len(batch.rows)


def _decisions(rules: Rules, callers: int) -> list[Any]:
    """Return what was decided about each caller's call of each endpoint."""
    migration = rules.snapshot.migrations["platform"]
    found = []
    for number in range(callers):
        name = f"user-{number:06d}"
        token = Verified.of({"sub": name}, rules.snapshot.auth)
        caller = Caller("127.0.0.1", token, name, f"sub={name}")
        assignment = assign_token(migration, HEAD, token, caller.ip)
        found.extend(
            SimpleNamespace(assignment=assignment, target=endpoint, caller=caller)
            for endpoint in rules.snapshot.endpoints
        )
    return found


async def _play(folder: Path, callers: int, rate: int, seconds: int) -> Costs:
    rules, clock, store, chance = Rules(), Clock(), Weighed(folder / "crossfade.db"), Random(1)
    no_one: Any = None
    shelf: Any = store
    office = Office(shelf, None, rules, no_one, Metrics(), clock, "benchmark")
    tally = Tally(rules.snapshot, 20_000, b"secret")
    decisions, costs = _decisions(rules, callers), Costs()
    for decision in decisions:
        _count(tally, decision)
    await _emptied(tally, office)
    store.seconds, store.rows = 0.0, 0
    gc.freeze()
    for second in range(seconds):
        clock.seconds += 1
        for decision in chance.choices(decisions, k=rate):
            _count(tally, decision)
        if second % GATHER == 0:
            begun = thread_time()
            office.take(Delta({}, {}, tally.take()))
            costs.loop.append(thread_time() - begun)
        await office.ledger.write()
    costs.store, costs.rows = store.seconds, store.rows
    await store.store.close()
    return costs


async def _emptied(tally: Tally, office: Office) -> None:
    while uses := tally.take():
        office.take(Delta({}, {}, uses))
        await office.ledger.flush()


def _count(tally: Tally, decision: Any) -> None:
    """What `Record.count` does."""
    uses = decision.assignment.uses
    if uses:
        uses[decision.target.label] = uses.get(decision.target.label, 0) + 1
    else:
        tally.begin(HEAD, decision)


@click.command()
@click.option("--callers", default=1_000, show_default=True)
@click.option("--rate", default=8_000, show_default=True, help="Requests a second.")
@click.option("--seconds", default=120, show_default=True)
def main(callers: int, rate: int, seconds: int) -> None:
    """Print rows a second, and the share of a core that the loop and the store's thread spend on them."""
    with tempfile.TemporaryDirectory() as folder:
        costs = asyncio.run(_play(Path(folder), callers, rate, seconds))
    click.echo(f"rows written, a second   {costs.rows / seconds:8.0f}")
    click.echo(f"of a core, loop          {sum(costs.loop) / seconds:8.2%}")
    click.echo(f"longest in the loop, ms  {max(costs.loop) * 1e3:8.1f}")
    click.echo(f"of a core, store         {costs.store / seconds:8.2%}")
    click.echo(f"µs a row, store          {costs.store / max(costs.rows, 1) * 1e6:8.1f}")


if __name__ == "__main__":
    main()
