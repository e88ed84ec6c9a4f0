"""`python -m benchmarks.run`: starts everybody, measures, prints tables and lines for scripts, ends everybody."""

import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import click

from benchmarks.arena import Arena, chosen, opened
from benchmarks.machine.process import StartError
from benchmarks.place import VAR, MissingToolError
from benchmarks.profile import profile
from benchmarks.report import Line, as_json, figures, idle_cores, ratios, table_text
from benchmarks.tables import TABLES, Effort, Samples, Table, Traffic, fill, named
from benchmarks.workers import compare

_SHOWN_OF_A_PROFILE = 6_000  # characters
_TABLE_NAMES = tuple(table.name for table in TABLES)


@dataclass(slots=True)
class Results:
    """What one run found."""

    tables: dict[str, Samples] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def _names(_context: click.Context, _parameter: click.Parameter, value: str) -> list[str]:
    return [name for name in value.split(",") if name]


@click.command()
@click.option("--only", default="", callback=_names, help="Subjects or peers, with commas: ours-hs256,haproxy.")
@click.option("--tables", default="", callback=_names, help=f"Tables, with commas: {','.join(_TABLE_NAMES)}.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=2.0, show_default=True, type=click.FloatRange(min=0.2), help="One measurement.")
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 4096))
@click.option("--workers", "is_workers", is_flag=True, help="Only compare two workers with one.")
@click.option("--profile", "is_profile", is_flag=True, help="Only show where our own time goes.")
def main(
    only: list[str],
    tables: list[str],
    rounds: int,
    seconds: float,
    connections: int,
    *,
    is_workers: bool,
    is_profile: bool,
) -> None:
    """Measure the gateway beside its peers; with --only, the mixed table alone unless --tables names more."""
    if is_profile:
        _profile(seconds)
        return
    effort = Effort(rounds=rounds, seconds=seconds, connections=connections)
    if is_workers:
        _compare(effort)
        return
    wanted = named(tables or (["mixed"] if only else []))
    begun = time.monotonic()
    try:
        with opened(chosen(only)) as arena:
            results = _measure(arena, wanted, effort)
            _write(arena, results, effort)
    except MissingToolError as error:
        raise click.ClickException(f"{error}; `make bench-peers` installs what is missing") from None
    _print(arena, results)
    click.echo(f"{time.monotonic() - begun:.0f} s", err=True)
    if any(subject.startswith("ours") for subject in arena.skipped):
        sys.exit(1)


def _compare(effort: Effort) -> None:
    with opened([]) as arena:
        lines = _workers(arena, effort)
    for what, reason in arena.skipped.items():
        click.echo(f"skipped {what}: {reason}")
    for line in lines:
        click.echo(line)


def _profile(seconds: float) -> None:
    with opened([]) as arena:
        files = profile(arena, seconds)
    for file in files:
        click.echo(file.read_text()[:_SHOWN_OF_A_PROFILE])
    click.echo(f"whole: {' '.join(map(str, files))}")


def _measure(arena: Arena, wanted: list[Table], effort: Effort) -> Results:
    results, traffic = Results(), Traffic(arena)
    for table in wanted:
        samples = fill(table, arena, traffic, effort)
        results.tables[table.name] = samples
        results.texts.append(table_text(table, samples))
    if len(wanted) == len(TABLES):
        results.lines += _workers(arena, effort)
    results.lines += [*figures(results.tables), *ratios(results.tables.get("mixed", {}))]
    return results


def _workers(arena: Arena, effort: Effort) -> list[Line]:
    try:
        return compare(arena, effort)
    except (ValueError, StartError) as error:
        arena.skipped["two workers"] = str(error)
        return []


def _print(arena: Arena, results: Results) -> None:
    click.echo("\n" + "\n".join(results.texts))
    for subject, reason in arena.skipped.items():
        click.echo(f"skipped {subject}: {reason}")
    click.echo(f"ours: {arena.versions.get('ours', 'not measured')}")
    idle = idle_cores(results.tables.get("mixed", {}))
    if idle:
        click.echo(f"overstated, because their core was not theirs alone or not kept busy: {', '.join(idle)}")
    for line in results.lines:
        click.echo(line)


def _write(arena: Arena, results: Results, effort: Effort) -> None:
    document = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": _machine(),
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "connections": effort.connections,
        "versions": arena.versions,
        "skipped": arena.skipped,
        "tables": {name: as_json(samples) for name, samples in results.tables.items()},
        "lines": {f"{line.kind} {line.name}": line.value for line in results.lines},
    }
    (VAR / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    (VAR / "bench.md").write_text("\n".join(results.texts))


def _machine() -> Mapping[str, object]:
    return {"cores": os.cpu_count(), "kernel": platform.release(), "python": sys.version, "load": os.getloadavg()}


if __name__ == "__main__":
    main()
