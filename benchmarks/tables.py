"""The tables: which subjects meet which traffic, and how the rounds are interleaved. Never prints results."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.arena import Arena, Contestant
from benchmarks.load.generator import Load
from benchmarks.measure import MIB, FailedAnswersError, Sample, take, warm
from benchmarks.peers.peer import policy
from benchmarks.traffic import request_file
from benchmarks.traffic.catalogue import Target
from benchmarks.traffic.identity import users

type Samples = dict[str, list[Sample]]

_ONCE_PER_SECOND = 22_000  # requests prepared per second of unique traffic; a subject that is faster ends early
_WARM_SECONDS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long and how often."""

    rounds: int
    seconds: float
    connections: int = 64


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of traffic. `subjects` None means everybody; `load` makes the load of one round."""

    name: str
    title: str
    subjects: tuple[str, ...] | None
    load: Callable[["Traffic", Contestant, Effort, int], Load]


class Traffic:
    """The request files of one run, written when first asked for."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._folder = arena.site.folder
        self._tokens: dict[str, list[str]] = {}
        self._written: set[Path] = set()

    def mixed(self, subject: str) -> Path:
        """Return mixed traffic with tokens that the subject checks."""
        algorithm = policy(subject) or "hs256"
        return self._once(f"mixed-{algorithm}", lambda: request_file.mixed(self._users(algorithm)))

    def unique(self, first: int, count: int) -> Path:
        """Return `count` requests that nobody has seen if `first` is new."""
        return self._once(f"unique-{first}-{count}", lambda: request_file.once(first, count))

    def repeated(self, name: str, target: Target, *, fill: int = 0) -> Path:
        """Return one target asked for by all users."""
        return self._once(name, lambda: request_file.repeated(target, self._users("hs256"), fill=fill))

    def _users(self, algorithm: str) -> list[str]:
        if algorithm not in self._tokens:
            self._tokens[algorithm] = users(self._arena.keys, algorithm)
        return self._tokens[algorithm]

    def _once(self, name: str, records: Callable[[], Iterator[bytes]]) -> Path:
        path = self._folder / f"{name}.req"
        if path not in self._written:
            request_file.write(path, records())
            self._written.add(path)
        return path


def _mixed(traffic: Traffic, one: Contestant, effort: Effort, number: int) -> Load:
    return _load(one, traffic.mixed(one.name), effort, skip=number * 6007)


def _unique(traffic: Traffic, one: Contestant, effort: Effort, number: int) -> Load:
    count = int(_ONCE_PER_SECOND * effort.seconds)
    return _load(one, traffic.unique(number * count, count), effort, limit=count)


def _download(size: str) -> Callable[[Traffic, Contestant, Effort, int], Load]:
    def load(traffic: Traffic, one: Contestant, effort: Effort, _number: int) -> Load:
        return _load(one, traffic.repeated(f"files-{size}", Target("GET", f"/api/files/{size}.bin")), effort)

    return load


def _upload(traffic: Traffic, one: Contestant, effort: Effort, _number: int) -> Load:
    path = traffic.repeated("uploads", Target("POST", "/api/uploads/one"), fill=MIB)
    return _load(one, path, effort)


def _load(one: Contestant, path: Path, effort: Effort, *, skip: int = 0, limit: int | None = None) -> Load:
    return Load(
        port=one.port,
        requests=path,
        seconds=effort.seconds,
        connections=effort.connections,
        skip=skip,
        limit=limit,
    )


_LARGE = ("ours-hs256", "haproxy-hs256", "nginx-lua-hs256", "envoy-hs256")
TABLES = (
    Table("mixed", "Mixed traffic: 1 000 users, 200 paths, 20 header sets, one POST in ten", None, _mixed),
    Table("unique", "Every token, path and field value seen once", _LARGE, _unique),
    Table("16k", "16 KiB answers", _LARGE, _download("16k")),
    Table("1m", "1 MiB answers", _LARGE, _download("1m")),
    Table("upload", "1 MiB uploads", _LARGE, _upload),
)


def fill(table: Table, arena: Arena, traffic: Traffic, effort: Effort) -> Samples:
    """Measure every subject of a table in interleaved rounds. One that fails under load is skipped from then on."""
    playing = [one for one in arena.contestants if table.subjects is None or one.name in table.subjects]
    samples: Samples = {}
    for one in playing:
        warm(arena, one, traffic.mixed(one.name), seconds=_WARM_SECONDS)
    for number in range(effort.rounds):
        for one in playing:
            if f"{table.name} {one.name}" not in arena.skipped:
                _one_round(table, arena, one, table.load(traffic, one, effort, number), samples)
    return samples


def _one_round(table: Table, arena: Arena, one: Contestant, load: Load, samples: Samples) -> None:
    try:
        sample = take(arena, one, load)
    except FailedAnswersError as error:
        arena.skipped[f"{table.name} {one.name}"] = str(error)
        click.echo(f"  {error}", err=True)
        return
    samples.setdefault(one.name, []).append(sample)
    click.echo(
        f"  {table.name:7} {one.name:16} {sample.cpu_us:8.1f} µs  {sample.rps:8.0f} rps  busy {sample.busy:4.0%}",
        err=True,
    )


def named(names: Sequence[str]) -> list[Table]:
    """Return the tables with these names."""
    known = {table.name: table for table in TABLES}
    return [known[name] for name in names]
