"""Turns samples into a table, a JSON file, and the closing lines for scripts. Never measures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.measure import Sample, Spread
from benchmarks.tables import Samples

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
_HEADINGS = (
    "subject",
    "CPU µs/request",
    "least–most",
    "requests/s",
    "core busy",
    "p50 ms",
    "p99 ms",
    "MB down/CPU s",
    "MB up/CPU s",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One closing line: `ratio NAME VALUE` or `figure NAME VALUE`."""

    kind: str
    name: str
    value: float

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.value:.3f}"


def cpu(samples: Samples, subject: str) -> float | None:
    """Return a subject's median CPU microseconds per request."""
    found = samples.get(subject)
    return median(sample.cpu_us for sample in found) if found else None


def ratios(mixed: Samples) -> list[Line]:
    """Return our cost over each peer's, for the same algorithm; HS256 against a peer without policy."""
    lines = []
    for peer in _PEERS:
        algorithm = peer.rpartition("-")[2].replace("plain", "hs256")
        ours, theirs = cpu(mixed, f"ours-{algorithm}"), cpu(mixed, peer)
        if ours is not None and theirs is not None:
            lines.append(Line("ratio", peer, ours / theirs))
    return lines


def figures(tables: Mapping[str, Samples]) -> list[Line]:
    """Return what the other tables say, where both sides of a comparison were measured."""
    lines = []
    for subject, samples in tables.get("mixed", {}).items():
        lines.append(Line("figure", f"cpu-us-{subject}", median(sample.cpu_us for sample in samples)))
    for subject in tables.get("unique", {}):
        once, mixed = cpu(tables["unique"], subject), cpu(tables.get("mixed", {}), subject)
        if once is not None and mixed is not None:
            lines.append(Line("figure", f"unique-over-mixed-{subject.rpartition('-')[0]}", once / mixed))
    return lines + _volumes(tables)


def _volumes(tables: Mapping[str, Samples]) -> list[Line]:
    lines = []
    for table in ("16k", "1m", "upload"):
        samples = tables.get(table, {})
        volume = {subject: _volume(table, found) for subject, found in samples.items()}
        ours = volume.pop("ours-hs256", None)
        if ours is None:
            continue
        lines.append(Line("figure", f"{table}-mb-per-cpu-second", ours))
        lines += [Line("figure", f"{table}-over-{name.rpartition('-')[0]}", ours / v) for name, v in volume.items()]
    return lines


def _volume(table: str, samples: Sequence[Sample]) -> float:
    if table == "upload":
        return median(sample.up_mb_per_cpu_second for sample in samples)
    return median(sample.down_mb_per_cpu_second for sample in samples)


def rows(samples: Samples) -> list[list[str]]:
    """Return one row a subject, under `headings`."""
    return [_row(subject, found) for subject, found in samples.items()]


def _row(subject: str, samples: Sequence[Sample]) -> list[str]:
    cost = Spread.of([sample.cpu_us for sample in samples])
    return [
        subject,
        f"{cost.median:.1f}",
        f"{cost.least:.1f}–{cost.most:.1f}",
        f"{median(sample.rps for sample in samples):.0f}",
        f"{median(sample.busy for sample in samples):.0%}",
        f"{median(sample.outcome.latency_us['p50'] for sample in samples) / 1e3:.2f}",
        f"{median(sample.outcome.latency_us['p99'] for sample in samples) / 1e3:.2f}",
        f"{median(sample.down_mb_per_cpu_second for sample in samples):.0f}",
        f"{median(sample.up_mb_per_cpu_second for sample in samples):.0f}",
    ]


def table_text(title: str, samples: Samples) -> str:
    """Return a table to read in a terminal that is Markdown as well."""
    return grid(title, _HEADINGS, rows(samples))


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
