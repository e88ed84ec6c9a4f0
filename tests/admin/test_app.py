"""The admin listener: probes for everybody, the status for bearers of a token."""

from pathlib import Path

import pytest

from gateway import __version__
from gateway.admin.access import identify
from gateway.config.schema import AdminToken
from tests.support.client import ask
from tests.support.gateway import migrating, running

DEAD = "http://127.0.0.1:1"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_probes_and_metrics_need_no_token(tmp_path: Path, path: str) -> None:
    async with running(tmp_path, migrating(DEAD, DEAD)) as gateway:
        assert (await ask(gateway.admin_port, path)).status == 200


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Bearer ", "Basic b3BzOnRva2Vu", "ops-token-for-tests"]
)
async def test_the_status_is_refused_without_a_good_token(tmp_path: Path, authorization: str | None) -> None:
    fields = {"Authorization": authorization} if authorization is not None else {}
    async with running(tmp_path, migrating(DEAD, DEAD)) as gateway:
        answer = await ask(gateway.admin_port, "/api/status", fields=fields)
    assert answer.status == 401
    assert answer.get("WWW-Authenticate") == "Bearer"
    assert answer.get("Content-Type") == "application/problem+json"
    assert answer.json()["type"] == "urn:crossfade:problem:unauthenticated"


async def test_an_unknown_path_says_nothing_to_strangers(tmp_path: Path) -> None:
    async with running(tmp_path, migrating(DEAD, DEAD)) as gateway:
        stranger = await ask(gateway.admin_port, "/api/nothing")
        operator = await ask(gateway.admin_port, "/api/nothing", fields={"Authorization": "Bearer ops-token-for-tests"})
        wrong = await ask(gateway.admin_port, "/livez", "POST")
    assert stranger.status == 401
    assert operator.status == 404
    assert operator.json()["instance"] == "/api/nothing"
    assert (wrong.status, wrong.get("Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("token", ["ops-token-for-tests", "eyes-token-for-tests"])
async def test_the_status_describes_the_running_gateway(tmp_path: Path, token: str) -> None:
    async with running(tmp_path, migrating(DEAD, DEAD, percent=12.5)) as gateway:
        answer = await ask(gateway.admin_port, "/api/status", fields={"Authorization": f"Bearer {token}"})
    status = answer.json()
    assert status["version"] == __version__
    assert status["state"] == "serving"
    assert status["config"]["revision"] == 1
    assert len(status["config"]["digest"]) >= 12
    assert status["config"]["file"] == str(tmp_path / "gateway.yaml")
    assert status["store"] == {"kind": "sqlite"}
    assert status["redis"] is None
    endpoint = {"url": DEAD, "healthy": True, "ejected": False, "active": 0, "idle": 0}
    assert status["upstreams"]["v1"] == {"endpoints": [endpoint], "active": 0, "queued": 0}
    assert len(status["workers"]) == 1
    assert status["drift"] == {"watchlist": {"file": 12.5, "live": 12.5, "differs": False}}
    assert status["uptime_seconds"] >= 0


async def test_the_status_never_shows_a_stores_password(tmp_path: Path) -> None:
    text = migrating(DEAD, DEAD) + "\nstore: mongodb://u:pw@db/x\nredis: redis://:pw@cache\n"
    async with running(tmp_path, text) as gateway:
        answer = await ask(gateway.admin_port, "/api/status", fields={"Authorization": "Bearer eyes-token-for-tests"})
    assert b"pw" not in answer.body
    assert answer.json()["store"] == {"kind": "mongodb"}
    assert answer.json()["redis"] == {"configured": True}


def test_bytes_that_are_no_text_are_no_token() -> None:
    token = AdminToken(name="ops", token="ops-token-for-tests")
    assert identify("Bearer ops-token-for-tests\udcff", [token]) is None


def test_an_empty_configured_token_opens_nothing() -> None:
    empty = AdminToken.model_construct(name="unset", role="operator", token="")
    assert identify("Bearer ", [empty]) is None
    assert identify("Bearer", [empty]) is None
