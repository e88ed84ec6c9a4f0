"""The gateway's own public paths, and its refusals."""

from pathlib import Path

from tests.support.client import ask
from tests.support.gateway import migrating, running
from tests.support.upstream import ScriptedUpstream


async def test_health_says_that_it_serves(tmp_path: Path) -> None:
    async with running(tmp_path, migrating("http://127.0.0.1:1", "http://127.0.0.1:1")) as gateway:
        answer = await ask(gateway.public_port, "/health")
        to_head = await ask(gateway.public_port, "/health", "HEAD")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})
    assert answer.get("X-Request-Id")
    assert (to_head.status, to_head.body) == (200, b"")


async def test_a_refusal_is_a_problem_that_nobody_stores(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, migrating(v1.origin, v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/api/favorites?secret=1", "DELETE")
    assert answer.status == 405
    assert answer.get("Allow") == "GET, HEAD, POST"
    assert answer.get("Content-Type") == "application/problem+json"
    assert answer.get("Cache-Control") == "no-store"
    assert answer.json()["instance"] == "/api/favorites"
    assert answer.json()["request_id"] == answer.get("X-Request-Id")
    assert v1.received == []


async def test_a_refused_upload_leaves_the_connection_usable(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, migrating(v1.origin, v1.origin)) as gateway:
        answer = await ask(gateway.public_port, "/nowhere", "POST", body=b"abc")
    assert answer.status == 404
