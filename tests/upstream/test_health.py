"""Active health checks over real sockets, and the counting behind them."""

from pathlib import Path

import pytest

from gateway.config.schema import Ejection
from gateway.server.gateway import Gateway
from gateway.upstream.address import Address
from gateway.upstream.replica import Replica
from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import plain, running
from tests.support.poll import until
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream, json_answer

CHECKED = "    health: {path: /health, interval: 100ms, timeout: 100ms, healthy: 2, unhealthy: 2}"


def _replica(clock: FakeClock, errors: int = 3) -> Replica:
    ejection = Ejection.model_validate({"consecutive_errors": errors, "for": "10s"})
    return Replica(Address.parse("http://127.0.0.1:1"), ejection, clock)


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
        for _ in range(4):
            assert (await ask(gateway.public_port, "/api/x")).status == 200
        assert not [request for request in bad.received if "/api/x" in request.line]
        is_down = False
        await _until(gateway, [True, True])
        for _ in range(60):  # endpoints are chosen by chance
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


@pytest.mark.parametrize(
    ("checks", "expected"),
    [("", True), ("--", True), ("---", False), ("--+--", True), ("---+", False), ("---++", True), ("---+-+", False)],
)
def test_only_checks_in_a_row_change_the_health(checks: str, expected: bool) -> None:
    replica = _replica(FakeClock())
    for check in checks:
        replica.note_check(check == "+", healthy=2, unhealthy=3)
    assert replica.is_healthy is expected


def test_an_ejected_replica_comes_back_by_itself() -> None:
    clock = FakeClock()
    replica = _replica(clock, errors=2)
    replica.note_error()
    replica.note_success()
    replica.note_error()
    assert replica.is_healthy
    replica.note_error()
    assert not replica.is_healthy
    clock.advance(10)
    assert replica.is_healthy
