"""What a client sees of one exchange, over real sockets."""

import asyncio
from pathlib import Path

import pytest

from tests.support.client import ask, connected
from tests.support.gateway import migrating, plain, running
from tests.support.upstream import Peer, Received, ScriptedUpstream, answering, json_answer


async def test_a_request_arrives_with_its_path_and_query_untouched(tmp_path: Path) -> None:
    target = "/api/x/%7Ea%2Fb//c;v=1/%E7%94%A8?q=%20+&q=2&e=&%41=%zz"
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, target)
    assert answer.status == 200
    assert v1.received[0].line == f"GET {target} HTTP/1.1"


async def test_an_answer_comes_through_with_its_own_fields(tmp_path: Path) -> None:
    fields = b'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nServer: v1/2.0\r\nX-Name: \xe7\x94\xa8\r\nETag: W/"7"\r\n'
    script = answering(json_answer(b'{"a":1}', fields=fields))
    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/news")
    assert answer.status == 200
    assert answer.body == b'{"a":1}'
    assert answer.all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.get("Server") == "v1/2.0"
    assert answer.get("X-Name") == "用"
    assert answer.get("ETag") == 'W/"7"'
    assert answer.get("X-Served-By") == "v1"
    assert answer.get("Via") == "1.1 crossfade"
    assert answer.get("Content-Length") == "7"
    assert answer.get("Transfer-Encoding") is None


async def test_an_answer_without_a_content_type_does_not_get_one(tmp_path: Path) -> None:
    script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/news")
    assert answer.get("Content-Type") is None
    assert answer.get("Server") is None


async def test_a_compressed_answer_is_passed_on_as_it_is(tmp_path: Path) -> None:
    script = answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8bxyz")
    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/news")
    assert answer.body == b"\x1f\x8bxyz"
    assert answer.get("Content-Encoding") == "gzip"


async def test_a_compressed_request_is_passed_on_as_it_is(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/news", "POST", {"Content-Encoding": "gzip"}, b"\x1f\x8bxyz")
    assert v1.received[0].body == b"\x1f\x8bxyz"
    assert v1.received[0].get("Content-Encoding") == "gzip"
    assert v1.received[0].get("Content-Length") == "5"


async def test_a_redirect_is_passed_on_and_not_followed(tmp_path: Path) -> None:
    script = answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/news")
    assert answer.status == 302
    assert answer.get("Location") == "http://127.0.0.1:1/"


async def test_a_cookie_of_one_client_never_reaches_another_ones_request(tmp_path: Path) -> None:
    script = answering(json_answer(b"{}", fields=b"Set-Cookie: sid=secret\r\n"))
    async with ScriptedUpstream(script) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/news")
        await ask(gateway.public_port, "/api/news")
    assert v1.received[1].get("Cookie") is None


async def test_a_chunked_upload_flows_through(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await client.send(b"2\r\nde\r\n0\r\n\r\n")
        answer = await client.answer()
    assert answer.status == 200
    assert v1.received[0].body == b"abcde"


async def test_a_large_body_flows_both_ways(tmp_path: Path) -> None:
    async def echo(received: Received, peer: Peer) -> bool:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(received.body)}\r\n\r\n".encode()
        await peer.send(head + received.body)
        return True

    body = bytes(range(256)) * 8192
    async with ScriptedUpstream(echo) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", "PUT", body=body)
    assert answer.is_complete
    assert answer.body == body


async def test_head_has_the_fields_and_no_body(tmp_path: Path) -> None:
    script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-A: b\r\n\r\n")
    async with (
        ScriptedUpstream(script) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        for _ in range(2):
            await client.send(b"HEAD /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await client.answer(to_head=True)
            assert answer.get("Content-Length") == "1234"
            assert answer.get("Transfer-Encoding") is None
    assert v1.connections == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_a_body_leaves_the_connection_usable(tmp_path: Path, status: str) -> None:
    script = answering(f'HTTP/1.1 {status}\r\nETag: "a"\r\n\r\n'.encode())
    async with (
        ScriptedUpstream(script) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        for _ in range(2):
            await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await client.answer()
            assert answer.status == int(status[:3])
            assert answer.get("Transfer-Encoding") is None
    assert v1.connections == 1


async def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async def echo(received: Received, peer: Peer) -> bool:
        await peer.send(json_answer(received.line.split(" ")[1].encode()))
        return True

    async with (
        ScriptedUpstream(echo) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"".join(f"GET /api/{n} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for n in range(5)))
        bodies = [(await client.answer()).body for _ in range(5)]
    assert bodies == [f"/api/{n}".encode() for n in range(5)]


async def test_http_1_0_gets_an_answer_of_unknown_length_until_the_end_of_the_connection(tmp_path: Path) -> None:
    script = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    async with (
        ScriptedUpstream(script) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        answer = await client.answer()
        assert await client.at_end()
    assert answer.get("Transfer-Encoding") is None
    assert answer.body == b"abc"


async def test_events_arrive_one_by_one_before_the_stream_ends(tmp_path: Path) -> None:
    step = asyncio.Semaphore(0)

    async def stream(_received: Received, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            await step.acquire()
            event = f"data: {number}\n\n".encode()
            await peer.send(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        await step.acquire()
        await peer.send(b"0\r\n\r\n")

    async with (
        ScriptedUpstream(stream) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        status, _ = await client.head()
        assert status == 200
        for number in range(3):
            step.release()
            assert await client.chunk() == f"data: {number}\n\n".encode()
        step.release()
        assert await client.chunk() == b""


async def test_a_silent_event_stream_outlives_the_response_timeout(tmp_path: Path) -> None:
    resume = asyncio.Event()

    async def stream(_received: Received, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        await resume.wait()
        await peer.send(b"data: late\n\n")

    text = plain("ORIGIN", upstream="    response_timeout: 50ms")
    async with (
        ScriptedUpstream(stream) as v1,
        running(tmp_path, text.replace("ORIGIN", v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.head()
        asyncio.get_running_loop().call_later(0.2, resume.set)
        assert await client.chunk() == b"data: late\n\n"


async def test_a_client_that_leaves_ends_the_upstream_request(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def stream(_received: Received, peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n")
        await peer.gone()
        left.set()

    async with ScriptedUpstream(stream) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        async with connected(gateway.public_port) as client:
            await client.send(b"GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n")
            await client.head()
        async with asyncio.timeout(5):
            await left.wait()


async def test_a_client_that_leaves_before_the_answer_ends_the_upstream_request(tmp_path: Path) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def never(_received: Received, peer: Peer) -> None:
        asked.set()
        await peer.gone()
        left.set()

    async with ScriptedUpstream(never) as v1, running(tmp_path, plain(v1.origin)) as gateway:
        async with connected(gateway.public_port) as client:
            await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            await asked.wait()
        async with asyncio.timeout(5):
            await left.wait()


async def test_a_slow_client_slows_the_backend_down(tmp_path: Path) -> None:
    sent = 0
    block = b"x" * 65536

    async def flood(_received: Received, peer: Peer) -> None:
        nonlocal sent
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n")
        for _ in range(4096):
            await peer.send(block)
            sent += len(block)

    async with (
        ScriptedUpstream(flood) as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.head()
        before = -1
        async with asyncio.timeout(20):
            while sent != before:
                before = sent
                await asyncio.sleep(0.3)
    assert 0 < sent < 64 << 20


async def test_expect_100_continue_is_answered_when_the_body_is_wanted(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v2,
        running(tmp_path, migrating("http://127.0.0.1:1", v2.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        start = b"POST /api/favorites HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n"
        await client.send(start + b"Expect: 100-continue\r\n\r\n")
        # An adapter needs the whole body before the backend is asked, so it is the gateway that agrees.
        status, fields = await client.head()
        assert (status, fields) == (100, [])
        await client.send(b'{"stock_code":"60051"}')
        assert (await client.answer()).status == 200
    assert v2.received[0].get("Expect") is None


async def test_a_refused_upload_is_not_invited(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert (await client.answer()).status == 404


async def test_an_upgrade_that_is_not_ours_is_an_ordinary_request(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        head = b"POST /api/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        await client.send(head + b"HTTP2-Settings: AAMAAABk\r\nContent-Length: 3\r\n\r\nabc")
        answer = await client.answer()
    assert answer.status == 200
    assert v1.received[0].body == b"abc"
    assert v1.received[0].get("Upgrade") is None
    assert v1.received[0].get("HTTP2-Settings") is None
