"""`make bench-ws`: every part with every subject in turn, several rounds; tables, then one line for each ratio.

A ratio is made within one round, between two servers that ran right after each other, and the median round is shown
with the lowest and the highest. A target that is missed is marked; nothing fails for it.
"""

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.place import VAR
from benchmarks.ws.parts import Figures, burst, fan_out, latency, memory, stalled
from benchmarks.ws.reconnect import reconnect
from benchmarks.ws.subject import SUBJECTS, Subject

type Scene = Callable[[Subject, Path], Figures]
type Rounds = Mapping[str, list[Figures]]


@dataclass(frozen=True, slots=True)
class Target:
    """Our figure divided by a peer's must not be more than this."""

    name: str
    figure: str
    peer: str
    most: float


@dataclass(frozen=True, slots=True)
class Part:
    """One scene: who plays it, and what must come of it."""

    name: str
    title: str
    scene: Scene
    targets: Sequence[Target]
    subjects: Sequence[str] = ("ours", "nchan", "websockets", "aiohttp")


def _to(clients: int) -> Scene:
    return lambda subject, folder: fan_out(subject, folder, clients)


PARTS = (
    Part(
        "fan-out-1000",
        "one message to 1 000, µs of CPU a delivery",
        _to(1000),
        (Target("fan-out-1000/nchan", "us", "nchan", 1.0), Target("fan-out-1000/websockets", "us", "websockets", 0.6)),
    ),
    Part(
        "fan-out-5000",
        "one message to 5 000, µs of CPU a delivery",
        _to(5000),
        (Target("fan-out-5000/nchan", "us", "nchan", 1.0), Target("fan-out-5000/websockets", "us", "websockets", 0.6)),
    ),
    Part(
        "burst",
        "500 topics at once, 50 for each of 1 000, µs of CPU a delivery",
        burst,
        (Target("burst/nchan", "us", "nchan", 0.15),),
    ),
    Part(
        "memory",
        "5 000 idle sockets with three topics, KiB each",
        memory,
        (Target("memory/nchan", "kib", "nchan", 0.4),),
    ),
    Part(
        "latency",
        "50 000 deliveries a second, ms",
        latency,
        (Target("p99/nchan", "p99", "nchan", 1.0),),
    ),
    Part(
        "stalled",
        "20 MB past 10 clients that do not read: KiB for each; p99 of the 10 others in ms, share of messages they heard",
        stalled,
        (Target("stalled/websockets", "kib", "websockets", 0.02),),
        ("ours", "websockets"),
    ),
)


def play(part: Part, rounds: int) -> Rounds:
    """Play a part, every subject once a round."""
    found: dict[str, list[Figures]] = {}
    subjects = [subject for subject in SUBJECTS if subject.name in part.subjects]
    for number in range(rounds):
        order = subjects if number % 2 == 0 else subjects[::-1]
        for subject in order:
            missing = subject.missing()
            if missing is not None:
                click.echo(f"  {subject.name} is left out: {missing}")
                continue
            with tempfile.TemporaryDirectory(dir=VAR) as folder:
                found.setdefault(subject.name, []).append(part.scene(subject, Path(folder)))
    return found


def table(part: Part, found: Rounds) -> None:
    """Print a part's figures: the median of the rounds, the lowest and the highest."""
    click.echo(f"\n{part.title}")
    for name, rounds in found.items():
        columns = []
        for figure in rounds[0]:
            values = sorted(one[figure] for one in rounds)
            columns.append(f"{figure} {statistics.median(values):.4g} ({values[0]:.4g}–{values[-1]:.4g})")
        click.echo(f"  {name:<12}{'   '.join(columns)}")


def ratios(part: Part, found: Rounds) -> list[str]:
    """Return a line for each target, and whether it was met."""
    lines = []
    for target in part.targets:
        if target.peer in found and "ours" in found:
            pairs = zip(found["ours"], found[target.peer], strict=True)
            values = sorted(ours[target.figure] / max(theirs[target.figure], 1e-9) for ours, theirs in pairs)
            lines.append(_line(target.name, values, target.most))
    if part.name == "stalled" and "ours" in found:
        values = sorted(one["p99"] / max(one["calm_p99"], 1e-9) for one in found["ours"])
        lines.append(_line("stalled/others-p99", values, 1.5))
    return lines


def _line(name: str, values: Sequence[float], most: float) -> str:
    median = statistics.median(values)
    verdict = "met" if median <= most else "MISSED"
    return f"ratio {name} {median:.3f}   # {values[0]:.3f}–{values[-1]:.3f}, at most {most:g}: {verdict}"


@click.command()
@click.option("--only", default="", help="Names of parts, with commas between them; also reconnect.")
@click.option("--rounds", default=3, show_default=True)
def main(only: str, rounds: int) -> None:
    """Measure the WebSocket fan-out beside its peers."""
    VAR.mkdir(parents=True, exist_ok=True)
    chosen = set(only.split(",")) if only else {*(part.name for part in PARTS), "reconnect"}
    lines: list[str] = []
    for part in PARTS:
        if part.name in chosen:
            found = play(part, rounds)
            table(part, found)
            lines += ratios(part, found)
    if "reconnect" in chosen:
        with tempfile.TemporaryDirectory(dir=VAR) as folder:
            figures = reconnect(Path(folder))
        click.echo("\n1 000 clients come back over a gap of 100 messages")
        click.echo("  ours        " + "   ".join(f"{name} {value:.4g}" for name, value in figures.items()))
        lines += [f"ratio reconnect/{name} {figures[name]:g}" for name in ("lost", "doubled", "not_recovered")]
    click.echo("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
