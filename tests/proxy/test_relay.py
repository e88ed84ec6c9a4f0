"""Messages that are translated on their way."""

import json
from pathlib import Path

from tests.support.client import ask
from tests.support.gateway import migrating, running
from tests.support.upstream import ScriptedUpstream, answering, json_answer

LIST = b'{"success": true, "data": [{"symbol": "600519", "name": "x"}]}'


async def test_the_successors_answer_reaches_the_client_in_the_legacy_shape(tmp_path: Path) -> None:
    bound = b'ETag: "v2"\r\nContent-MD5: x\r\nDigest: y\r\nX-Other: z\r\n'
    async with (
        ScriptedUpstream(answering(json_answer(LIST, fields=bound))) as v2,
        running(tmp_path, migrating("http://127.0.0.1:1", v2.origin)) as gateway,
    ):
        answer = await ask(
            gateway.public_port, "/api/favorites?page=2", fields={"Accept-Encoding": "gzip", "Range": "bytes=0-1"}
        )
    assert v2.received[0].line == "GET /api/v2/watchlist?page=2 HTTP/1.1"
    assert v2.received[0].get("Accept-Encoding") == "identity"
    assert v2.received[0].get("Range") is None
    assert answer.json() == {"success": True, "data": [{"stock_code": "600519"}]}
    assert answer.get("Content-Length") == str(len(answer.body))
    assert answer.get("X-Served-By") == "v2"
    assert answer.get("X-Other") == "z"
    for name in ("ETag", "Content-MD5", "Digest"):
        assert answer.get(name) is None


async def test_the_legacy_request_reaches_the_successor_in_its_shape(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream(answering(json_answer(b'{"success": true, "data": []}', "201 Created"))) as v2,
        running(tmp_path, migrating("http://127.0.0.1:1", v2.origin)) as gateway,
    ):
        body = b'{"stock_code": "600519", "extra": 1}'
        answer = await ask(gateway.public_port, "/api/favorites", "POST", {"Content-Type": "application/json"}, body)
    assert json.loads(v2.received[0].body) == {"symbol": "600519"}
    assert v2.received[0].get("Content-Length") == str(len(v2.received[0].body))
    assert answer.status == 200


async def test_an_error_is_translated_with_its_status(tmp_path: Path) -> None:
    error = b'{"success": false, "error": {"code": "CONFLICT", "message": "already there"}}'
    async with (
        ScriptedUpstream(answering(json_answer(error, "409 Conflict"))) as v2,
        running(tmp_path, migrating("http://127.0.0.1:1", v2.origin)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites", "POST", body=b"{}")
    assert answer.status == 400
    assert answer.json() == {"detail": "already there"}


async def test_what_is_not_json_stays_as_it_is(tmp_path: Path) -> None:
    page = b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: "1"\r\nContent-Length: 6\r\n\r\n<html>'
    async with (
        ScriptedUpstream(answering(page)) as v2,
        running(tmp_path, migrating("http://127.0.0.1:1", v2.origin)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites")
        posted = await ask(gateway.public_port, "/api/favorites", "POST", body=b"not json")
    assert answer.body == posted.body == b"<html>"
    assert answer.get("ETag") == '"1"'
    assert v2.received[1].body == b"not json"


async def test_an_answer_that_cannot_be_translated_is_a_502_problem(tmp_path: Path) -> None:
    text = migrating("http://127.0.0.1:1", "V2").replace("stock_code: symbol}}", "stock_code: abs(symbol)}}")
    async with (
        ScriptedUpstream(answering(json_answer(LIST))) as v2,
        running(tmp_path, text.replace("V2", v2.origin)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites")
    assert answer.status == 502
    assert answer.json()["type"] == "urn:crossfade:problem:upstream-invalid"


async def test_an_answer_too_large_to_be_held_is_a_502_problem(tmp_path: Path) -> None:
    text = migrating("http://127.0.0.1:1", "V2").replace("server:", "server:\n  limits: {body: 1KiB}")
    large = b'{"data": "' + b"x" * 2000 + b'"}'
    async with (
        ScriptedUpstream(answering(json_answer(large))) as v2,
        running(tmp_path, text.replace("V2", v2.origin)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites")
    assert answer.status == 502


async def test_a_truncated_answer_to_be_translated_is_a_502_problem(tmp_path: Path) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + LIST
    async with (
        ScriptedUpstream(answering(cut, keep=False)) as v2,
        running(tmp_path, migrating("http://127.0.0.1:1", v2.origin)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites")
    assert answer.status == 502


async def test_head_of_a_translated_endpoint_does_not_announce_the_successors_length(tmp_path: Path) -> None:
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nETag: "1"\r\n\r\n'
    async with (
        ScriptedUpstream(answering(head)) as v2,
        running(tmp_path, migrating("http://127.0.0.1:1", v2.origin)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites", "HEAD")
    assert v2.received[0].line == "HEAD /api/v2/watchlist HTTP/1.1"
    assert answer.get("Content-Length") is None
    assert answer.get("ETag") is None


async def test_the_legacy_side_is_never_translated(tmp_path: Path) -> None:
    async with (
        ScriptedUpstream(answering(json_answer(LIST))) as v1,
        running(tmp_path, migrating(v1.origin, "http://127.0.0.1:1", percent=0)) as gateway,
    ):
        answer = await ask(gateway.public_port, "/api/favorites", fields={"Accept-Encoding": "br"})
    assert v1.received[0].line == "GET /api/favorites HTTP/1.1"
    assert v1.received[0].get("Accept-Encoding") == "br"
    assert answer.body == LIST
