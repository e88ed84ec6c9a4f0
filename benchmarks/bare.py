"""`python -m benchmarks.bare`: what one exchange costs in our own Python, without sockets, loop and kernel.

The same mixed traffic as the tables, given to the real connections, policy and exchange over transports that only
count. 64 requests are under way at a time, so that caches of the processor are as cold as in life. Takes the quickest
of many rounds, because this says what the code costs, not what the machine was doing meanwhile.
"""

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from itertools import batched
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import click
import uvloop

from benchmarks.place import VAR, fill
from benchmarks.traffic import request_file
from benchmarks.traffic.identity import make_keys, users
from gateway.core.cell import Cell
from gateway.core.clock import SystemClock
from gateway.downstream.connection import ClientConnection
from gateway.downstream.handoff import Handoff
from gateway.downstream.listener import Listener
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Metrics
from gateway.policy.decide import Memory
from gateway.policy.decision import Need
from gateway.proxy.from_hub import FromHub
from gateway.proxy.local import LocalPaths
from gateway.proxy.service import Proxy
from gateway.proxy.shared import Shared
from gateway.proxy.tally import Tally
from gateway.server.configuration import ConfigSource
from gateway.upstream.connection import Connection
from gateway.upstream.fleet import Fleet
from tests.support.no_sockets import NoSockets

_BODY = b'{"code":"600519","name":"KWEICHOW MOUTAI","price":1705.5,"change":0.83,"volume":2381100,"ts":1732000000}'
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 10:11:%02d GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: keep-alive\r\nX-Backend: v1\r\n\r\n" + _BODY
)
_AT_ONCE = 64


class CountingTransport(asyncio.Transport):
    """Drops what is written."""

    def __init__(self, note: Callable[[bytes], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 4711)})
        self.write = note  # type: ignore[method-assign]

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


class Nobody:
    """Who is asked when something must be asked of others: here nothing is."""

    def ask(self, need: Need, memory: Memory, answered: Callable[[Memory], None]) -> Callable[[], None]:
        raise AssertionError(need)


def _requests(folder: Path, *, is_unique: bool) -> list[bytes]:
    tokens = users(make_keys(folder), "hs256")
    records = request_file.once(0, 20_000) if is_unique else request_file.mixed(tokens)
    found = [record[12:] for record in records]
    return [_traced(data, number) for number, data in enumerate(found)]


def _traced(data: bytes, number: int) -> bytes:
    mark = f"00-{number + 1:032x}-{number + 1:016x}-01".encode()
    at = data.find(b"00-00000000000000000000000000000000-")
    return data[:at] + mark + data[at + len(mark) :] if at > 0 else data


class Stage:
    """Owns a gateway without sockets: its clients, and one upstream connection for each side and client."""

    def __init__(self, shared: Shared, fleet: Fleet) -> None:
        clock = SystemClock()
        handoff = Handoff(LocalPaths(shared.snapshot, clock, self, NoSockets()))
        snapshot = shared.snapshot.value
        proxy = Proxy(shared, handoff, NoSockets(), FromHub(shared, NoSockets(), NoSockets()), clock, Nobody())
        self.listener = Listener(proxy, snapshot.server.limits, snapshot.auth.dropped)
        self.asked: list[Connection] = []
        self.written = 0
        self.clients = [ClientConnection(self.listener) for _ in range(_AT_ONCE)]
        for client in self.clients:
            client.connection_made(CountingTransport(self._note))
        for cluster in fleet:
            self._fill(cluster.pools[0])

    is_draining = False

    def _note(self, data: bytes) -> None:
        self.written += 1

    def _fill(self, pool: Any) -> None:
        for _ in range(_AT_ONCE):
            connection = pool.make()
            connection.connection_made(CountingTransport(self._asker(connection)))
            pool.open.add(connection)
            pool.idle.append(connection)

    def _asker(self, connection: Connection) -> Callable[[bytes], None]:
        return lambda _data: self.asked.append(connection)

    def play(self, rounds: list[tuple[bytes, ...]], answer: bytes) -> None:
        """Send every batch, then answer it."""
        for requests in rounds:
            for client, data in zip(self.clients, requests, strict=False):
                client.data_received(data)
            self.listener.arrived.end()
            asked, self.asked = self.asked, []
            for connection in asked:
                connection.data_received(answer)
            for connection in asked:
                connection.home.arrived.end()


async def _stage(folder: Path) -> Stage:
    values: dict[str, object] = {
        "PUBLIC": 1, "ADMIN": 2, "WORKERS": 1, "REDIS": "null", "DIR": folder, "V1": 3, "V2": 4,
        "KEY": f"{{alg: HS256, kid: hs, secret: '${{file:{folder}/hs.key}}'}}",
    }  # fmt: skip
    path = fill(Path(__file__).parent / "peers" / "gateway" / "gateway.yaml", folder / "bare.yaml", values)
    clock = SystemClock()
    loaded = await ConfigSource(path, os.environ, clock).read()
    fleet = Fleet(clock)
    fleet.apply(loaded.config.upstreams)
    log = AccessLog()
    log.share = 0.0
    shared = Shared(
        Cell(loaded.snapshot), Memory.fresh(), fleet, Metrics(), log, clock, Tally(loaded.snapshot, 20_000, b"")
    )
    return Stage(shared, fleet)


def _costs(stage: Stage, requests: list[bytes], rounds: int) -> Iterator[float]:
    batches = list(batched(requests, _AT_ONCE))
    for number in range(rounds):
        answer = _ANSWER % (number % 60, len(_BODY))
        begun = process_time()
        stage.play(batches, answer)
        yield (process_time() - begun) / len(requests) * 1e6


@click.command()
@click.option("--rounds", default=12, show_default=True)
@click.option("--unique", "is_unique", is_flag=True, help="Every token, path and field value seen once.")
def main(rounds: int, *, is_unique: bool) -> None:
    """Print µs of CPU per exchange: the quickest round and the middle one."""
    folder = VAR / "bare"
    folder.mkdir(parents=True, exist_ok=True)

    async def run() -> None:
        requests = _requests(folder, is_unique=is_unique)
        stage = await _stage(folder)
        gc.freeze()
        begun = perf_counter()
        found = sorted(_costs(stage, requests, 1 if is_unique else rounds))
        total = stage.written
        if total < len(requests):
            raise click.ClickException(f"only {total} answers were written")
        click.echo(
            f"{found[0]:.1f} µs at best, {found[len(found) // 2]:.1f} in the middle; {perf_counter() - begun:.1f} s"
        )

    uvloop.run(run())


if __name__ == "__main__":
    main()
