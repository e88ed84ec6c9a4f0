"""What a client is told when the backend fails, and that a broken answer never looks complete."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.client import ask, connected
from tests.support.gateway import plain, running
from tests.support.upstream import Peer, Received, ScriptedUpstream, answering


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_an_unreachable_backend_is_a_502_problem(tmp_path: Path) -> None:
    async with running(tmp_path, plain(f"http://127.0.0.1:{_closed_port()}")) as gateway:
        answer = await ask(gateway.public_port, "/api/news?token=x", fields={"X-Request-Id": "mine-1"})
    assert answer.status == 502
    assert answer.get("Content-Type") == "application/problem+json"
    assert answer.get("Cache-Control") == "no-store"
    assert answer.get("X-Request-Id") == "mine-1"
    assert answer.get("X-Served-By") is None
    assert answer.json() == {
        "type": "urn:crossfade:problem:upstream-unavailable",
        "title": "The backend cannot be reached",
        "status": 502,
        "detail": "No connection to v1.",
        "instance": "/api/news",
        "request_id": "mine-1",
    }


async def test_a_backend_that_does_not_answer_in_time_is_a_504_problem(tmp_path: Path) -> None:
    async def silent(_received: Received, peer: Peer) -> None:
        await peer.gone()

    async with (
        ScriptedUpstream(silent) as v1,
        running(tmp_path, plain(v1.origin, upstream="    response_timeout: 100ms")) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/news")
    assert answer.status == 504
    assert answer.json()["type"] == "urn:crossfade:problem:upstream-timeout"


async def test_a_problem_for_head_has_no_body(tmp_path: Path) -> None:
    async with (
        running(tmp_path, plain(f"http://127.0.0.1:{_closed_port()}")) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"HEAD /api/x HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer(to_head=True)).status == 502
        assert (await client.answer()).status == 404


INVALID = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "the same length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "no HTTP at all": b"hello, world\r\n\r\n",
    "HTTP/0.9": b"<html></html>\r\n\r\n",
    "an uninvited upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "a control character": b"HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a chunk size that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
}


@pytest.mark.parametrize("data", INVALID.values(), ids=INVALID.keys())
async def test_an_answer_that_is_not_valid_http_is_a_502_problem(tmp_path: Path, data: bytes) -> None:
    async with ScriptedUpstream(answering(data, keep=False)) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/news", "POST")
    assert answer.status == 502
    assert answer.json()["type"] == "urn:crossfade:problem:upstream-invalid"


async def test_interim_answers_without_an_end_are_a_502_problem(tmp_path: Path) -> None:
    async def forever(_received: Received, peer: Peer) -> None:
        while True:
            await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0.005)

    async with (
        ScriptedUpstream(forever) as v1,
        running(tmp_path, plain(v1.origin, upstream="    response_timeout: 150ms")) as gateway,
    ):
        assert (await ask(gateway.public_port, "/api/news")).status == 502


TRUNCATED = {
    "by length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "by chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "between chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


@pytest.mark.parametrize("data", TRUNCATED.values(), ids=TRUNCATED.keys())
async def test_a_truncated_answer_is_seen_as_cut(tmp_path: Path, data: bytes) -> None:
    async with ScriptedUpstream(answering(data, keep=False)) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/news")
    assert answer.status == 200
    assert not answer.is_complete


async def test_an_answer_that_stalls_is_cut(tmp_path: Path) -> None:
    async def stall(_received: Received, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await peer.gone()

    async with (
        ScriptedUpstream(stall) as v1,
        running(tmp_path, plain(v1.origin, upstream="    response_timeout: 100ms")) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/news")
    assert not answer.is_complete
    assert answer.body == b"abc"


async def test_bytes_after_an_answer_are_never_given_to_the_next_request(tmp_path: Path) -> None:
    poisoned = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    async def script(_received: Received, peer: Peer) -> bool:
        await peer.send(poisoned if peer.number == 1 else b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
        return True

    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        first = await ask(gateway.public_port, "/api/a")
        second = await ask(gateway.public_port, "/api/b")
    assert first.body == b"ok"
    assert second.body == b"mine"


async def test_a_body_over_the_limit_is_a_413_problem_and_never_reaches_the_backend(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  limits: {body: 1KiB}")
    async with ScriptedUpstream() as v1, running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", "POST", body=b"x" * 1025)
    assert answer.status == 413
    assert answer.json()["type"] == "urn:crossfade:problem:request-too-large"
    assert v1.received == []


async def test_a_body_over_the_limit_is_refused_before_anything_else_is_asked(tmp_path: Path) -> None:
    async with running(tmp_path, plain("http://127.0.0.1:1", server="  limits: {body: 1KiB}")) as gateway:
        for target in ("/nowhere", "/health"):
            answer = await ask(gateway.public_port, target, "POST", body=b"x" * 1025)
            assert (answer.status, answer.get("Connection")) == (413, "close")


async def test_a_chunked_body_that_outgrows_the_limit_is_a_413_problem(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  limits: {body: 1KiB}")
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.send((b"200\r\n" + b"x" * 512 + b"\r\n") * 3 + b"0\r\n\r\n")
        answer = await client.answer()
        assert await client.at_end()
    assert answer.status == 413
    assert v1.received == []


async def test_a_body_that_does_not_arrive_in_time_is_a_408_problem(tmp_path: Path) -> None:
    text = plain("ORIGIN", server="  limits: {body_timeout: 100ms}")
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        answer = await client.answer()
    assert answer.status == 408


async def test_a_client_that_leaves_in_the_middle_of_its_body_never_gets_a_short_one_accepted(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        async with connected(gateway.public_port) as client:
            await client.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            async with asyncio.timeout(5):
                await v1.connected.wait()
        async with asyncio.timeout(5):
            await v1.peers_gone.wait()
    assert v1.received == []
