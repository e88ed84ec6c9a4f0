"""Connections to one upstream: reuse, repetition, bounds and isolation."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.client import ask, connected
from tests.support.gateway import LISTEN, plain, running
from tests.support.upstream import OK, Peer, Received, Script, ScriptedUpstream


def _dying_on_the_second_request() -> Script:
    """Answer the first request of the first connection, take the second one and close without a word."""
    seen = 0

    async def script(_received: Received, peer: Peer) -> bool:
        nonlocal seen
        seen += 1
        if seen == 2:
            return False
        await peer.send(OK)
        return True

    return script


async def test_connections_are_used_again(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        for _ in range(5):
            assert (await ask(gateway.public_port, "/api/x")).status == 200
    assert v1.connections == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_request_that_may_not_be_repeated_is_never_doubled(tmp_path: Path, method: str) -> None:
    async with ScriptedUpstream(_dying_on_the_second_request()) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x")
        answer = await ask(gateway.public_port, "/api/x", method, body=b"order")
        empty = await ask(gateway.public_port, "/api/x", "POST")
    assert answer.status == 502
    assert empty.status == 200
    assert [request.body for request in v1.received].count(b"order") == 1


async def test_an_empty_post_is_never_doubled(tmp_path: Path) -> None:
    async with ScriptedUpstream(_dying_on_the_second_request()) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x")
        answer = await ask(gateway.public_port, "/api/x", "POST")
    assert answer.status == 502
    assert len(v1.received) == 2


async def test_a_put_with_a_streamed_body_is_never_repeated(tmp_path: Path) -> None:
    async with ScriptedUpstream(_dying_on_the_second_request()) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x")
        answer = await ask(gateway.public_port, "/api/x", "PUT", body=b"abc")
    assert answer.status == 502
    assert len(v1.received) == 2


async def test_a_get_whose_pooled_connection_died_is_repeated_once(tmp_path: Path) -> None:
    async with ScriptedUpstream(_dying_on_the_second_request()) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x")
        answer = await ask(gateway.public_port, "/api/x")
    assert answer.status == 200
    assert len(v1.received) == 3


async def test_a_get_on_a_fresh_connection_is_not_repeated(tmp_path: Path) -> None:
    async def dying(_received: Received, _peer: Peer) -> bool:
        return False

    async with ScriptedUpstream(dying) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x")
    assert answer.status == 502
    assert answer.json()["type"] == "urn:crossfade:problem:upstream-unavailable"
    assert len(v1.received) == 1


async def test_several_endpoints_share_the_requests(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as one,
        ScriptedUpstream() as two,
        running(tmp_path, plain(f"{one.origin}, {two.origin}")) as gateway,
    ):
        for _ in range(60):
            await ask(gateway.public_port, "/api/x")
    assert min(len(one.received), len(two.received)) >= 10


async def test_a_post_goes_to_the_next_endpoint_when_the_first_takes_no_connection(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusing = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with ScriptedUpstream() as alive, running(tmp_path, plain(f"{refusing}, {alive.origin}")) as gateway:
            answers = [await ask(gateway.public_port, "/api/x", "POST", body=b"abc") for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert [request.body for request in alive.received] == [b"abc"] * 4


async def test_an_endpoint_with_errors_in_a_row_is_left_alone(tmp_path: Path) -> None:
    async def dying(_received: Received, _peer: Peer) -> bool:
        return False

    extra = "    ejection: {consecutive_errors: 2, for: 1h}"
    async with (
        ScriptedUpstream(dying) as bad,
        ScriptedUpstream() as good,
        running(tmp_path, plain(f"{bad.origin}, {good.origin}", upstream=extra)) as gateway,
    ):
        for _ in range(60):
            await ask(gateway.public_port, "/api/x", "POST")
    assert len(bad.received) == 2
    assert len(good.received) == 58


async def test_more_requests_than_max_connections_wait_for_their_turn(tmp_path: Path) -> None:
    together = most = 0

    async def counting(_received: Received, peer: Peer) -> bool:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.01)
        together -= 1
        await peer.send(OK)
        return True

    async with (
        ScriptedUpstream(counting) as v1,
        running(tmp_path, plain(v1.origin, upstream="    max_connections: 2")) as gateway,
    ):
        answers = await asyncio.gather(*(ask(gateway.public_port, "/api/x") for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert most == 2


async def test_waiting_too_long_for_a_connection_is_a_503_problem(tmp_path: Path) -> None:
    async def silent(_received: Received, peer: Peer) -> None:
        await peer.gone()

    extra = "    max_connections: 1\n    connect_timeout: 100ms"
    async with (
        ScriptedUpstream(silent) as v1,
        running(tmp_path, plain(v1.origin, upstream=extra)) as gateway,
        connected(gateway.public_port) as first,
    ):
        await first.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(5):
            await v1.connected.wait()
        answer = await ask(gateway.public_port, "/api/x")
    assert answer.status == 503
    assert answer.json()["type"] == "urn:crossfade:problem:overloaded"


async def test_an_upstream_that_hangs_does_not_starve_another(tmp_path: Path) -> None:
    async def silent(_received: Received, peer: Peer) -> None:
        await peer.gone()

    async with ScriptedUpstream(silent) as hung, ScriptedUpstream() as well:
        text = f"""{LISTEN}
upstreams:
  v1: {{endpoints: [{hung.origin}], max_connections: 200}}
  v2: {{endpoints: [{well.origin}], max_connections: 2}}
routes:
  - {{name: hung, match: "/hung/{{rest*}}", upstream: v1, auth: none}}
  - {{name: well, match: "/well/{{rest*}}", upstream: v2, auth: none}}
"""
        async with running(tmp_path, text) as gateway:
            stuck = [asyncio.ensure_future(ask(gateway.public_port, "/hung/x")) for _ in range(120)]  # noqa: TID251
            async with asyncio.timeout(10):
                await hung.connected.wait()
                answers = await asyncio.gather(*(ask(gateway.public_port, "/well/x") for _ in range(20)))
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
    assert {answer.status for answer in answers} == {200}
