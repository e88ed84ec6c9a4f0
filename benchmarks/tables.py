"""The tables: which subjects meet which traffic, and how the rounds are interleaved. Never prints results."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CalledProcessError
from typing import Literal

import click

from benchmarks.arena import Arena, Contestant
from benchmarks.load.generator import Load
from benchmarks.measure import FailedAnswersError, Sample, take, warm
from benchmarks.peers.peer import policy
from benchmarks.traffic import request_file
from benchmarks.traffic.catalogue import Target
from benchmarks.traffic.identity import users

type Samples = dict[str, list[Sample]]

_ONCE_PER_SECOND = 22_000  # requests prepared per second of unique traffic; a subject that is faster ends early
_MIB = 1 << 20
_BUSIEST = 0.6  # of a core: beyond it an open loop measures the queue in front of the server


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
    kind: Literal["cost", "download", "upload", "latency"]
    subjects: tuple[str, ...] | None
    load: Callable[["Traffic", Contestant, Effort, int], Load]
    rate: float = 0


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
    path = traffic.repeated("uploads", Target("POST", "/api/uploads/one"), fill=_MIB)
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


def _paced(rate: float) -> Callable[[Traffic, Contestant, Effort, int], Load]:
    def load(traffic: Traffic, one: Contestant, effort: Effort, number: int) -> Load:
        return replace(_mixed(traffic, one, effort, number), rate=rate, connections=256)

    return load


_LEADERS = ("ours-hs256", "pure-hs256", "haproxy-hs256", "nginx-lua-hs256", "envoy-hs256")
_RATES = (500, 2_000, 8_000)
TABLES = (
    Table("mixed", "Mixed traffic: 1 000 users, 200 paths, 20 header sets, one POST in ten", "cost", None, _mixed),
    Table("unique", "Every token, path and field value seen once", "cost", _LEADERS, _unique),
    Table("16k", "16 KiB answers", "download", _LEADERS, _download("16k")),
    Table("1m", "1 MiB answers", "download", _LEADERS, _download("1m")),
    Table("upload", "1 MiB uploads", "upload", _LEADERS, _upload),
    *(
        Table(
            f"rate-{rate}",
            f"Mixed traffic at {rate} requests/s by the clock, latency from the due time",
            "latency",
            _LEADERS,
            _paced(rate),
            rate,
        )
        for rate in _RATES
    ),
)


def fill(table: Table, arena: Arena, traffic: Traffic, effort: Effort) -> Samples:
    """Measure every subject of a table in interleaved rounds. One that fails under load is skipped from then on."""
    samples: Samples = {}
    playing = [one for one in _admitted(table, arena) if _is_warm(table, arena, one, traffic)]
    for number in range(effort.rounds):
        for one in playing:
            if _mark(table, one) not in arena.skipped:
                _one_round(table, arena, one, table.load(traffic, one, effort, number), samples)
    return samples


def _admitted(table: Table, arena: Arena) -> list[Contestant]:
    return [one for one in arena.contestants if table.subjects is None or one.name in table.subjects]


def _is_warm(table: Table, arena: Arena, one: Contestant, traffic: Traffic) -> bool:
    """Warm a subject up; False, with the reason noted, when it fails or the table's rate is too much for it."""
    try:
        busy = warm(arena, one, traffic.mixed(one.name)).cpu_us * table.rate / 1e6
    except (FailedAnswersError, CalledProcessError) as error:
        return _skip(table, arena, one, _reason(error))
    if busy > _BUSIEST:
        return _skip(table, arena, one, f"{table.rate} requests/s would need {busy:.0%} of its core")
    return True


def _skip(table: Table, arena: Arena, one: Contestant, reason: str) -> bool:
    arena.skipped[_mark(table, one)] = reason
    click.echo(f"  {_mark(table, one)}: {reason}", err=True)
    return False


def _mark(table: Table, one: Contestant) -> str:
    return f"{table.name} {one.name}"


def _reason(error: Exception) -> str:
    return str(error.stderr).strip() if isinstance(error, CalledProcessError) else str(error)


def _one_round(table: Table, arena: Arena, one: Contestant, load: Load, samples: Samples) -> None:
    try:
        sample = take(arena, one, load)
    except (FailedAnswersError, CalledProcessError) as error:
        _skip(table, arena, one, _reason(error))
        return
    samples.setdefault(one.name, []).append(sample)
    click.echo(
        f"  {table.name:9} {one.name:16} {sample.cpu_us:8.1f} µs  {sample.rps:8.0f} rps  busy {sample.busy:4.0%}",
        err=True,
    )


def named(names: Sequence[str]) -> list[Table]:
    """Return the tables with these names, all for none; `rate` means every rate."""
    unknown = [name for name in names if not any(_means(name, table) for table in TABLES)]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(table.name for table in TABLES)}")
    return [table for table in TABLES if not names or any(_means(name, table) for name in names)]


def _means(name: str, table: Table) -> bool:
    return name in {table.name, table.name.partition("-")[0]}
