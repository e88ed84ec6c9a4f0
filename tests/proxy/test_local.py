"""The gateway's own public paths, and its refusals."""

from pathlib import Path

from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import migrating, running
from tests.support.upstream import ScriptedUpstream

DATED = """    deprecation:
      announced: 2026-12-01
      deprecated: +30d
      gone: +60d
      docs: https://docs.test/watchlist"""
DEPRECATED = 1798761600.0  # 2027-01-01


async def test_health_says_that_it_serves(tmp_path: Path) -> None:
    async with running(tmp_path, migrating("http://127.0.0.1:1", "http://127.0.0.1:1")) as gateway:
        answer = await ask(gateway.public_port, "/health")
        to_head = await ask(gateway.public_port, "/health", "HEAD")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})
    assert answer.get("X-Request-Id")
    assert (to_head.status, to_head.body) == (200, b"")


async def test_the_list_of_migrations_is_machine_readable(tmp_path: Path) -> None:
    text = migrating("http://127.0.0.1:1", "http://127.0.0.1:1", rest=DATED)
    async with running(tmp_path, text, clock=FakeClock(DEPRECATED)) as gateway:
        answer = await ask(gateway.public_port, "/.well-known/api-migrations")
    assert answer.get("Content-Type") == "application/json"
    assert answer.json() == {
        "migrations": [
            {
                "name": "watchlist",
                "title": "Watchlist",
                "phase": "deprecated",
                "dates": {
                    "announced": "2026-12-01T00:00:00Z",
                    "deprecated": "2026-12-31T00:00:00Z",
                    "gone": "2027-01-30T00:00:00Z",
                    "removed": None,
                },
                "docs": "https://docs.test/watchlist",
                "policy": None,
                "endpoints": [
                    {
                        "legacy": {"method": "GET", "path": "/api/favorites"},
                        "successor": {"method": "GET", "path": "/api/v2/watchlist"},
                    },
                    {
                        "legacy": {"method": "POST", "path": "/api/favorites"},
                        "successor": {"method": "POST", "path": "/api/v2/watchlist"},
                    },
                ],
            }
        ]
    }


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
