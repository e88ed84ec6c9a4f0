"""Turns samples into a table, a JSON file, and the closing lines for scripts. Never measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.measure import Sample
from benchmarks.tables import Samples, Table

type Rounds = Sequence[Sample]

_KEPT_BUSY = 0.9
_PEERS = (
    "haproxy-hs256",
    "haproxy-rs256",
    "haproxy-es256",
    "nginx-lua-hs256",
    "envoy-hs256",
    "caddy-plain",
    "fastify-hs256",
    "fastapi-hs256",
    "aiohttp-hs256",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One closing line: `ratio NAME VALUE` or `figure NAME VALUE`."""

    kind: str
    name: str
    value: float

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.value:.3f}"


def _cpu(sample: Sample) -> float:
    return sample.cpu_us


def quotient(above: Rounds | None, below: Rounds | None, read: Callable[[Sample], float]) -> float | None:
    """Return the median of the rounds' quotients: rounds are interleaved, so that both saw the machine in one mood."""
    if not above or not below:
        return None
    return median(read(one) / read(other) for one, other in zip(above, below, strict=False))


def ratios(mixed: Samples) -> list[Line]:
    """Return our cost over each peer's, for the same algorithm; HS256 against a peer without policy."""
    lines = []
    for peer in _PEERS:
        lines += _line("ratio", peer, quotient(mixed.get(f"ours-{_checked(peer)}"), mixed.get(peer), _cpu))
    return lines


def _checked(peer: str) -> str:
    return peer.rpartition("-")[2].replace("plain", "hs256")


def _line(kind: str, name: str, value: float | None) -> list[Line]:
    return [] if value is None else [Line(kind, name, value)]


def figures(tables: Mapping[str, Samples]) -> list[Line]:
    """Return what all tables say, where both sides of a comparison were measured."""
    mixed, once = tables.get("mixed", {}), tables.get("unique", {})
    lines = [Line("figure", f"cpu-us-{subject}", median(map(_cpu, found))) for subject, found in mixed.items()]
    for subject, found in once.items():
        name = f"unique-over-mixed-{subject.rpartition('-')[0]}"
        lines += _line("figure", name, quotient(found, mixed.get(subject), _cpu))
    for peer in ("ours-hs256", *_PEERS):
        found = quotient(mixed.get(f"pure-{_checked(peer)}"), mixed.get(peer), _cpu)
        lines += _line("figure", f"pure-over-{peer}", found)
    return lines + _volumes(tables) + _latencies(tables)


def _volumes(tables: Mapping[str, Samples]) -> list[Line]:
    lines = []
    for table, read in _VOLUMES.items():
        samples = tables.get(table, {})
        ours = samples.get("ours-hs256")
        if ours is None:
            continue
        lines.append(Line("figure", f"{table}-mb-per-cpu-second", median(map(read, ours))))
        for subject in [name for name in samples if name != "ours-hs256"]:
            name = f"{table}-over-{subject.rpartition('-')[0]}"
            lines += _line("figure", name, quotient(ours, samples[subject], read))
    return lines


_VOLUMES: Mapping[str, Callable[[Sample], float]] = {
    "16k": lambda sample: sample.down_mb_per_cpu_second,
    "1m": lambda sample: sample.down_mb_per_cpu_second,
    "upload": lambda sample: sample.up_mb_per_cpu_second,
}


def _latencies(tables: Mapping[str, Samples]) -> list[Line]:
    lines = []
    for table in (name for name in tables if name.startswith("rate-")):
        for subject, found in tables[table].items():
            lines.append(Line("figure", f"cpu-us-{subject}-{table}", median(map(_cpu, found))))
            for quantile in ("p50", "p99"):
                value = median(_milliseconds(sample, quantile) for sample in found)
                lines.append(Line("figure", f"{quantile}-ms-{subject}-{table}", value))
    return lines


def idle_cores(samples: Samples) -> list[str]:
    """Return the subjects that were not kept busy in a closed loop, with the share of their core that they used."""
    shares = {subject: median(sample.busy for sample in found) for subject, found in samples.items()}
    return [f"{subject} {share:.0%}" for subject, share in shares.items() if share < _KEPT_BUSY]


def _milliseconds(sample: Sample, quantile: str) -> float:
    return sample.outcome.latency_us[quantile] / 1e3


def table_text(table: Table, samples: Samples) -> str:
    """Return a table to read in a terminal that is Markdown as well."""
    columns = _COLUMNS[table.kind]
    ours = samples.get("ours-hs256")
    body = [[subject, *(column.text(found, ours) for column in columns)] for subject, found in samples.items()]
    return grid(table.title, ["subject", *(column.heading for column in columns)], body)


@dataclass(frozen=True, slots=True)
class _Column:
    """A heading, and what one subject's rounds come to; ours are there to compare with."""

    heading: str
    text: Callable[[Rounds, Rounds | None], str]


def _median(heading: str, read: Callable[[Sample], float], digits: int = 0) -> _Column:
    return _Column(heading, lambda found, _ours: f"{median(map(read, found)):.{digits}f}")


def _spread(read: Callable[[Sample], float], digits: int = 0) -> _Column:
    def text(found: Rounds, _ours: Rounds | None) -> str:
        values = [read(sample) for sample in found]
        return f"{min(values):.{digits}f}–{max(values):.{digits}f}"

    return _Column("least–most", text)


def _compared(heading: str, read: Callable[[Sample], float]) -> _Column:
    def text(found: Rounds, ours: Rounds | None) -> str:
        value = quotient(ours, found, read)
        return "" if value is None else f"{value:.2f}"

    return _Column(heading, text)


def _latency(name: str) -> _Column:
    return _median(f"{name} ms", lambda sample: sample.outcome.latency_us[name] / 1e3, 2)


_BUSY = _Column("core busy", lambda found, _ours: f"{median(sample.busy for sample in found):.0%}")
_COST = _median("CPU µs/request", lambda sample: sample.cpu_us, 1)
_COLUMNS: dict[str, list[_Column]] = {
    "cost": [
        _COST,
        _spread(lambda sample: sample.cpu_us, 1),
        _compared("ours-hs256 ÷ it", lambda sample: sample.cpu_us),
        _median("requests/s", lambda sample: sample.rps),
        _BUSY,
        _median("RSS MiB", lambda sample: sample.resident_bytes / (1 << 20)),
    ],
    "download": [
        _median("MB/CPU s", lambda sample: sample.down_mb_per_cpu_second),
        _spread(lambda sample: sample.down_mb_per_cpu_second),
        _compared("ours ÷ it", lambda sample: sample.down_mb_per_cpu_second),
        _COST,
        _BUSY,
        _median("RSS MiB", lambda sample: sample.resident_bytes / (1 << 20)),
    ],
    "upload": [
        _median("MB/CPU s", lambda sample: sample.up_mb_per_cpu_second),
        _spread(lambda sample: sample.up_mb_per_cpu_second),
        _compared("ours ÷ it", lambda sample: sample.up_mb_per_cpu_second),
        _COST,
        _BUSY,
        _median("RSS MiB", lambda sample: sample.resident_bytes / (1 << 20)),
    ],
    "latency": [
        _latency("p50"),
        _latency("p90"),
        _latency("p99"),
        _latency("p999"),
        _latency("max"),
        _COST,
        _BUSY,
        _median("generator late p99 ms", lambda sample: sample.outcome.late_us["p99"] / 1e3, 2),
    ],
}


def grid(title: str, headings: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return aligned Markdown."""
    lines = [list(headings), *[list(row) for row in body]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    texts = [_aligned(line, widths) for line in lines]
    rule = "|".join(["", *(("-" * (width + 1) + (":" if column else "-")) for column, width in enumerate(widths)), ""])
    return "\n".join([f"### {title}", "", texts[0], rule, *texts[1:], ""])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.rjust(width) if column else text.ljust(width)
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def as_json(samples: Samples) -> dict[str, list[dict[str, object]]]:
    """Return every round of every subject."""
    return {
        subject: [
            {"cpu_us": sample.cpu_us, "rps": sample.rps, "cpu_seconds": sample.cpu_seconds, **asdict(sample.outcome)}
            for sample in found
        ]
        for subject, found in samples.items()
    }
