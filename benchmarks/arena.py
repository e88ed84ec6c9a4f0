"""Everything that runs during a benchmark: the upstream, and each chosen peer that is installed and passes its test."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from types import FrameType

import click

from benchmarks.machine.process import Server, StartError, running
from benchmarks.peers.peer import Peer, Service, Site
from benchmarks.peers.roster import PEERS, SUBJECTS
from benchmarks.peers.upstream import upstream
from benchmarks.place import VAR, free_ports
from benchmarks.selftest import SelfTestError, check
from benchmarks.traffic.identity import Keys, make_keys


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: what is measured on `server`, apart from the upstream and the generator."""

    usable: tuple[int, ...]
    server: str
    upstream: int
    load: int

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """Take the last core we may use for the server; upstream and generator share one unless there are four."""
        usable = tuple(sorted(os.sched_getaffinity(0)))
        return cls(usable, server=str(usable[-1]), upstream=usable[len(usable) // 4], load=usable[0])


@dataclass(frozen=True, slots=True)
class Contestant:
    """One subject that runs and passed its self-test."""

    name: str
    server: Server
    port: int


@dataclass(slots=True)
class Arena:
    """The site, the keys, and who takes part; `skipped` says why the others don't."""

    site: Site
    keys: Keys
    cores: Cores
    upstream: Server
    contestants: list[Contestant] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def chosen(names: Sequence[str]) -> list[str]:
    """Return the subjects that these names mean: a subject, a peer, or nothing for all."""
    unknown = [name for name in names if not any(_means(name, subject) for subject in SUBJECTS)]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(SUBJECTS)}")
    return [subject for subject in SUBJECTS if not names or any(_means(name, subject) for name in names)]


def _means(name: str, subject: str) -> bool:
    return name == subject or subject.rpartition("-")[0] == name


@contextmanager
def opened(subjects: Sequence[str]) -> Iterator[Arena]:
    """Start the upstream and everybody; end them all, also on SIGTERM."""
    signal.signal(signal.SIGTERM, _leave)
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, {cores.load})
    folder = VAR / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    v1, v2 = free_ports(2)
    keys = make_keys(folder / "keys")
    site = Site(folder, keys.folder, v1, v2)
    with ExitStack() as stack:
        behind = _start(stack, "upstream", upstream(site), str(cores.upstream), site)
        arena = Arena(site, keys, cores, behind)
        for peer in PEERS:
            _admit(stack, arena, peer, [subject for subject in peer.subjects if subject in subjects])
        try:
            yield arena
        finally:
            for written in folder.glob("*.req"):  # some 200 MB of prepared requests
                written.unlink()


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _start(stack: ExitStack, name: str, service: Service, cores: str, site: Site) -> Server:
    environment = dict(service.environment)
    server = stack.enter_context(
        running(name, service.command, cores=cores, folder=site.folder, environment=environment)
    )
    server.wait_for(list(service.ports.values()))
    return server


def _admit(stack: ExitStack, arena: Arena, peer: Peer, subjects: list[str]) -> None:
    if not subjects:
        return
    reason = peer.missing()
    if reason is not None:
        _skip(arena, subjects, f"{reason}; `make bench-peers` installs it")
        return
    arena.versions[peer.name] = peer.version()
    for service in peer.services(arena.site, subjects):
        try:
            arena.contestants += admitted(stack, arena, service)
        except (StartError, SelfTestError) as error:
            _skip(arena, list(service.ports), str(error))


def admitted(stack: ExitStack, arena: Arena, service: Service) -> list[Contestant]:
    """Start a service and test all it serves; it ends with the stack. Raises StartError and SelfTestError."""
    server = _start(stack, "+".join(service.ports), service, arena.cores.server, arena.site)
    for subject, port in service.ports.items():
        click.echo(f"  {subject}: {_seen(arena, server, subject, port)}", err=True)
    return [Contestant(subject, server, port) for subject, port in service.ports.items()]


def _seen(arena: Arena, server: Server, subject: str, port: int) -> str:
    try:
        return check(subject, port, arena.keys)
    except (SelfTestError, OSError, HTTPException) as error:
        raise SelfTestError(f"{error!s}; the end of its log: {server.last_words()}") from error


def _skip(arena: Arena, subjects: Sequence[str], reason: str) -> None:
    for subject in subjects:
        click.echo(f"  {subject}: skipped: {reason}", err=True)
        arena.skipped[subject] = reason
