"""Active health checks over real sockets, and the counting behind them."""

import asyncio
from pathlib import Path

import pytest

from gateway.config.schema import Ejection, Health
from gateway.server.gateway import Gateway
from gateway.upstream.address import Address
from gateway.upstream.health import is_alive
from gateway.upstream.replica import Replica
from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import plain, running
from tests.support.poll import until
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream, json_answer
from tests.upstream.backend import Link, backend, saying, silent
from tests.upstream.backend import until as soon

CHECKED = "    health: {path: /health, interval: 100ms, timeout: 100ms, healthy: 2, unhealthy: 2}"
SETTINGS = Health.model_validate({"path": "/health", "timeout": "1s"})
HASTY = Health.model_validate({"path": "/health", "timeout": "50ms"})


def _replica(clock: FakeClock, errors: int = 3) -> tuple[Replica, list[bool]]:
    """Return a replica, and the list of what it was at each change."""
    changes: list[bool] = []
    ejection = Ejection.model_validate({"consecutive_errors": errors, "for": "10s"})
    address = Address.parse("http://127.0.0.1:1")
    replica = Replica(address, ejection, clock, lambda: changes.append(replica.is_healthy))
    return replica, changes


async def _healthy(gateway: Gateway) -> list[bool]:
    answer = await ask(gateway.admin_port, "/api/status", fields={"Authorization": "Bearer ops-token-for-tests"})
    return [endpoint["healthy"] for endpoint in answer.json()["upstreams"]["v1"]["endpoints"]]


async def _until(gateway: Gateway, expected: list[bool]) -> None:
    async def is_expected() -> bool:
        return await _healthy(gateway) == expected

    await until(is_expected)


async def test_an_unhealthy_endpoint_is_skipped_until_it_has_recovered(tmp_path: Path) -> None:
    is_down = True

    async def moody(received: Received, peer: Peer) -> bool:
        is_check = received.line.startswith("GET /health ")
        await peer.send(json_answer(b"{}", "503 Down") if is_check and is_down else OK)
        return True

    async with (
        ScriptedUpstream(moody) as bad,
        ScriptedUpstream() as good,
        running(tmp_path, plain(f"{bad.origin}, {good.origin}", upstream=CHECKED)) as gateway,
    ):
        await _until(gateway, [False, True])
        for _ in range(8):
            assert (await ask(gateway.public_port, "/api/x")).status == 200
        assert not [request for request in bad.received if "/api/x" in request.line]
        is_down = False
        await _until(gateway, [True, True])
        for _ in range(40):
            await ask(gateway.public_port, "/api/x")
        assert [request for request in bad.received if "/api/x" in request.line]


async def test_when_no_endpoint_is_healthy_all_are_tried(tmp_path: Path) -> None:
    async def failing_checks(received: Received, peer: Peer) -> bool:
        is_check = received.line.startswith("GET /health ")
        await peer.send(json_answer(b"{}", "500 No") if is_check else OK)
        return True

    async with ScriptedUpstream(failing_checks) as v1, running(tmp_path, plain(v1.origin, upstream=CHECKED)) as gateway:
        await _until(gateway, [False])
        assert (await ask(gateway.public_port, "/api/x")).status == 200


# ---------------------------------------------------------------------- one check


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204\r\n\r\n", True),
        (b"HTTP/1.0 299 Odd\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, True),
        (b"HTTP/1.1 302 Found\r\n\r\n", False),
        (b"HTTP/1.1 503 No\r\n\r\n", False),
        (b"HTTP/1.1 2000 OK\r\n\r\n", False),
        (b"HTTP/2.0 200 OK\r\n\r\n", False),
        (b"200 OK\r\n", False),
        (b"HTTP/1.1 20", False),
        (b"", False),
    ],
)
async def test_only_a_success_is_alive(answer: bytes, expected: bool) -> None:
    async with backend(saying(answer, closes=True)) as v1:
        assert await is_alive(Address.parse(v1.origin), SETTINGS) is expected


async def test_a_check_asks_on_a_connection_of_its_own_and_closes_it() -> None:
    heads: list[bytes] = []

    async def serve(link: Link) -> None:
        heads.append(await link.head())
        await link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await link.gone()

    async with backend(serve) as v1:
        assert await is_alive(Address.parse(v1.origin), SETTINGS)
        await soon(lambda: not v1.links)
        authority = v1.origin.removeprefix("http://").encode()
    expected = b"\r\nHost: " + authority + b"\r\nUser-Agent: crossfade-health\r\nConnection: close\r\n\r\n"
    assert heads == [b"GET /health HTTP/1.1" + expected]


async def test_a_silent_backend_is_not_alive_and_its_connection_is_closed() -> None:
    async with backend(silent) as v1:
        assert await is_alive(Address.parse(v1.origin), HASTY) is False
        await soon(lambda: not v1.links)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "unix:/nowhere.sock", "http://no-such-host.invalid"])
async def test_a_backend_that_is_not_there_is_not_alive(endpoint: str) -> None:
    assert await is_alive(Address.parse(endpoint), Health.model_validate({"path": "/", "timeout": "5s"})) is False


async def test_a_check_without_descriptors_tells_nothing(starved: None) -> None:
    assert await is_alive(Address.parse("http://127.0.0.1:1"), SETTINGS) is None


async def test_a_silent_tls_handshake_is_given_up() -> None:
    async with backend(silent) as v1:
        assert await is_alive(Address.parse(v1.origin.replace("http:", "https:")), HASTY) is False
        await asyncio.sleep(0)
        await soon(lambda: not v1.links)


# ---------------------------------------------------------------------- counting


@pytest.mark.parametrize(
    ("checks", "expected"),
    [("", True), ("--", True), ("---", False), ("--+--", True), ("---+", False), ("---++", True), ("---+-+", False)],
)
def test_only_checks_in_a_row_change_the_health(checks: str, expected: bool) -> None:
    replica, _ = _replica(FakeClock())
    for check in checks:
        replica.note_check(check == "+", healthy=2, unhealthy=3)
    assert replica.is_healthy is expected


def test_every_change_is_told() -> None:
    replica, changes = _replica(FakeClock(), errors=2)
    for passed in (False, False, True, True, True):
        replica.note_check(passed, healthy=2, unhealthy=2)
    for _ in range(2):
        replica.note_error()
    assert changes == [False, True, False]


def test_an_ejected_replica_comes_back_by_itself() -> None:
    clock = FakeClock()
    replica, _ = _replica(clock, errors=2)
    replica.note_error()
    assert replica.is_healthy
    replica.note_error()
    assert (replica.is_healthy, replica.is_ejected) == (False, True)
    clock.advance(10)
    assert (replica.is_healthy, replica.is_ejected) == (True, False)
