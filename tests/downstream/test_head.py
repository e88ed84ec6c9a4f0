"""What is refused before anybody decides anything."""

from pathlib import Path

import pytest

from tests.support.client import ask, connected
from tests.support.gateway import plain, running
from tests.support.upstream import ScriptedUpstream

MALFORMED = {
    "an absolute form with a user": b"GET http://u@a/api/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "an asterisk for GET": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "two spaces": b"GET  /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "connect": b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "trace": b"TRACE /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /api/x#y HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes that are not ASCII in the target": b"GET /api/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /api/x\r\nHost: a\r\n\r\n",
    "version 2.0": b"GET /api/x HTTP/2.0\r\nHost: a\r\n\r\n",
    "version 1.2": b"GET /api/x HTTP/1.2\r\nHost: a\r\n\r\n",
    "no host": b"GET /api/x HTTP/1.1\r\nX: y\r\n\r\n",
    "two hosts": b"GET /api/x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "a host with a user": b"GET /api/x HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "a host with a path": b"GET /api/x HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a comma": b"GET /api/x HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "a host with a bad port": b"GET /api/x HTTP/1.1\r\nHost: a:http\r\n\r\n",
    "an empty host": b"GET /api/x HTTP/1.1\r\nHost:\r\n\r\n",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a signed length": b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "chunked twice": b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "gzip before chunked": b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks in 1.0": b"POST /api/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"GET /api/x HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n",
    "a folded field": b"GET /api/x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
    "a NUL": b"GET /api/x HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n",
    "a bare line feed": b"GET /api/x HTTP/1.1\nHost: a\n\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_two_parsers_could_read_differently_is_a_400_problem_and_the_end(
    tmp_path: Path, data: bytes
) -> None:
    async with (
        ScriptedUpstream() as v1,
        running(tmp_path, plain(v1.origin)) as gateway,
        connected(gateway.public_port) as client,
    ):
        await client.send(data)
        answer = await client.answer(to_head=False)
        assert await client.at_end()
    assert answer.status == 400
    assert answer.get("Content-Type") == "application/problem+json"
    assert answer.get("Cache-Control") == "no-store"
    assert answer.json()["type"] == "urn:crossfade:problem:malformed-request"
    assert answer.json()["request_id"] == answer.get("X-Request-Id")
    assert v1.received == []


async def test_too_long_a_request_line_is_414(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/" + "x" * 8200)
    assert answer.status == 414
    assert answer.json()["type"] == "urn:crossfade:problem:request-too-large"


async def test_too_large_a_field_is_431(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", fields={"X-A": "x" * 33000})
    assert answer.status == 431


async def test_too_large_fields_together_are_431(tmp_path: Path) -> None:
    fields = {f"X-{number}": "x" * 8000 for number in range(5)}
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", fields=fields)
    assert answer.status == 431


async def test_too_many_fields_are_431(tmp_path: Path) -> None:
    fields = {f"X-{number}": "x" for number in range(101)}
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", fields=fields)
    assert answer.status == 431


@pytest.mark.parametrize("host", ["a", "a.b-c.test:8080", "127.0.0.1", "[::1]", "[::1]:80", "xn--bcher-kva.test"])
async def test_a_valid_host_is_served(tmp_path: Path, host: str) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/x", fields={"Host": host})
    assert answer.status == 200
