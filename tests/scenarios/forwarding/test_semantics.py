"""What a proxy owes both sides: framing of bodiless answers, hop-by-hop fields, Via, X-Forwarded-*, odd targets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.server.gateway import Gateway
from tests.support.client import ask, connected
from tests.support.gateway import plain, running
from tests.support.upstream import OK, Peer, Received, ScriptedUpstream, answering


@pytest.fixture
async def v1() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
async def gateway(v1: ScriptedUpstream, tmp_path: Path) -> AsyncIterator[Gateway]:
    rest = '  - {name: root, match: "/{rest*}", upstream: v1, auth: none}'
    async with running(tmp_path, plain(v1.origin, rest=rest)) as gateway, asyncio.timeout(20):
        yield gateway


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["length", "chunked", "none"],
)
async def test_an_answer_to_head_has_no_body_and_the_connection_goes_on(
    gateway: Gateway, v1: ScriptedUpstream, head: bytes
) -> None:
    async with connected(gateway.public_port) as client:
        for _ in range(3):
            v1.script = answering(head)
            await client.send(b"HEAD /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await client.answer(to_head=True)
            assert answer.status == 200
            assert answer.get("Content-Length") in {None, "1000"}
            v1.script = answering(OK)
            await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.answer()).body == b"{}"
    assert v1.connections == 1


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_204_and_304_have_no_body_and_the_connection_goes_on(
    gateway: Gateway, v1: ScriptedUpstream, status: bytes
) -> None:
    v1.script = answering(b"HTTP/1.1 " + status + b'\r\nETag: "x"\r\n\r\n')
    async with connected(gateway.public_port) as client:
        for _ in range(3):
            await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await client.answer()
            assert (answer.status, answer.get("ETag"), answer.get("Transfer-Encoding")) == (
                int(status[:3]),
                '"x"',
                None,
            )
            assert not (status.startswith(b"204") and answer.get("Content-Length"))
    assert v1.connections == 1


async def test_early_hints_pass_through_and_several_of_them(gateway: Gateway, v1: ScriptedUpstream) -> None:
    v1.script = answering(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + OK)
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(2):
            status, fields = await client.head()
            assert (status, dict(fields)["Link"]) == (103, "</a>")
        assert (await client.answer()).body == b"{}"


async def test_an_http_1_0_client_gets_no_interim_answer_and_no_chunks(gateway: Gateway, v1: ScriptedUpstream) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    v1.script = answering(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + chunked)
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.0\r\nHost: a\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.body, answer.get("Transfer-Encoding")) == (200, b"abc", None)
        assert await client.at_end()


async def test_an_http_1_0_client_may_keep_its_connection(gateway: Gateway) -> None:
    async with connected(gateway.public_port) as client:
        for _ in range(2):
            await client.send(b"GET /api/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            answer = await client.answer()
            assert (answer.status, (answer.get("Connection") or "").lower()) == (200, "keep-alive")


async def test_connection_close_is_said_and_done(gateway: Gateway) -> None:
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await client.answer()).get("Connection") == "close"
        assert await client.at_end()


async def test_an_upstreams_connection_close_is_not_the_clients(gateway: Gateway, v1: ScriptedUpstream) -> None:
    v1.script = answering(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), keep=False)
    async with connected(gateway.public_port) as client:
        for _ in range(3):
            await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.answer()).get("Connection") in {None, "keep-alive"}
    assert v1.connections == 3


async def test_via_is_added_to_requests_and_kept_in_answers(gateway: Gateway, v1: ScriptedUpstream) -> None:
    v1.script = answering(OK.replace(b"OK\r\n", b"OK\r\nVia: 1.1 inner\r\n"))
    answer = await ask(gateway.public_port, "/api/x", fields={"Via": "1.0 outer"})
    sent = [part.strip() for value in v1.received[0].fields["via"] for part in value.split(",")]
    assert (len(sent), sent[0]) == (2, "1.0 outer")
    assert sent[1].startswith("1.1 ")
    came = [part.strip() for value in answer.all("Via") for part in value.split(",")]
    assert came[0] == "1.1 inner"  # a gateway may add its own to answers and need not (RFC 9110 section 7.6.3)


async def test_forwarded_fields_say_who_asked_and_a_clients_own_are_not_believed(
    gateway: Gateway, v1: ScriptedUpstream
) -> None:
    lies = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    await ask(gateway.public_port, "/api/x", fields={"Host": "shop.example", **lies})
    received = v1.received[0]
    found = [received.get(f"X-Forwarded-{name}") for name in ("For", "Proto", "Host")]
    assert found == ["127.0.0.1", "http", "shop.example"]


async def test_a_trusted_hop_is_believed(v1: ScriptedUpstream, tmp_path: Path) -> None:
    async with running(tmp_path, plain(v1.origin, server="\n  trusted_hops: 1")) as gateway:
        told = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}
        await ask(gateway.public_port, "/api/x", fields=told)
    received = v1.received[0]
    assert [part.strip() for part in (received.get("X-Forwarded-For") or "").split(",")] == ["1.2.3.4", "127.0.0.1"]
    assert (received.get("X-Forwarded-Proto"), received.get("X-Forwarded-Host")) == ("https", "shop.example")


async def test_hop_by_hop_fields_end_here_in_both_directions(gateway: Gateway, v1: ScriptedUpstream) -> None:
    hop = (
        b"Connection: X-Mine, close-not\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
        b"Upgrade: h2c\r\nProxy-Authenticate: Basic\r\nX-Ours: kept\r\n"
    )
    v1.script = answering(OK.replace(b"OK\r\n", b"OK\r\n" + hop))
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n" + hop + b"\r\n")
        answer = await client.answer()
    for name in ("x-mine", "keep-alive", "proxy-connection", "upgrade", "te"):
        assert name not in v1.received[0].fields
        assert answer.all(name) == []
    assert (v1.received[0].get("x-ours"), answer.get("X-Ours")) == ("kept", "kept")


async def test_repeated_fields_stay_apart_and_in_order(gateway: Gateway, v1: ScriptedUpstream) -> None:
    several = b"Set-Cookie: a=1; Path=/\r\nX-A: 1\r\nSet-Cookie: b=2\r\nX-A: 2, 3\r\n"
    v1.script = answering(OK.replace(b"OK\r\n", b"OK\r\n" + several))
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 1\r\nX-A: 2, 3\r\n\r\n")
        answer = await client.answer()
    assert (answer.all("Set-Cookie"), answer.all("X-A")) == (["a=1; Path=/", "b=2"], ["1", "2, 3"])
    assert v1.received[0].fields["x-a"] == ["1", "2, 3"]


@pytest.mark.parametrize(
    "target", ["/api/%41%2f%C3%A9?", "/api/a%20b;c=d?x=%26&y=a+b&&z", "/api//double//slash/", "/api/~a:b@c!$&'()*+,;="]
)
async def test_percent_encoding_is_untouched(gateway: Gateway, v1: ScriptedUpstream, target: str) -> None:
    assert (await ask(gateway.public_port, target)).status == 200
    assert v1.received[0].line == f"GET {target} HTTP/1.1"


async def test_an_absolute_target_is_forwarded_as_its_path_and_its_host_wins(
    gateway: Gateway, v1: ScriptedUpstream
) -> None:
    answer = await ask(gateway.public_port, "http://shop.example/api/x?y=1", fields={"Host": "shop.example"})
    assert answer.status == 200
    received = v1.received[0]
    assert (received.line, received.get("X-Forwarded-Host")) == ("GET /api/x?y=1 HTTP/1.1", "shop.example")


async def test_options_star_is_answered_without_hurting_the_connection(gateway: Gateway) -> None:
    async with connected(gateway.public_port) as client:
        await client.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).status in {200, 204}
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).status == 200


async def test_an_early_answer_reaches_a_client_that_is_still_sending(gateway: Gateway, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    folder = tmp_path / "early"
    folder.mkdir()
    async with server, running(folder, plain(origin)) as early, connected(early.public_port) as client:
        await client.send(b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + bytes(100_000))
        answer = await client.answer()
        assert (answer.status, answer.body) == (413, b"no")


async def test_trailers_never_become_the_next_requests_fields(gateway: Gateway, v1: ScriptedUpstream) -> None:
    chunked = b"POST /api/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Trail: 1\r\n\r\n"
    async with connected(gateway.public_port) as client:
        await client.send(chunked)
        assert (await client.answer()).status == 200
        await client.send(b"GET /api/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).status == 200
    assert [received.line.split(" ")[1] for received in v1.received] == ["/api/1", "/api/2"]
    assert "x-trail" not in v1.received[1].fields


async def test_pipelined_requests_are_answered_in_order_even_if_the_first_is_slow(
    gateway: Gateway, v1: ScriptedUpstream
) -> None:
    async def script(received: Received, peer: Peer) -> bool:
        target = received.line.split(" ")[1].encode()
        if target == b"/api/0":
            await asyncio.sleep(0.1)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(target) + target)
        return True

    v1.script = script
    async with connected(gateway.public_port) as client:
        await client.send(b"".join(b"GET /api/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(10)))
        assert [(await client.answer()).body for _ in range(10)] == [b"/api/%d" % number for number in range(10)]
