"""What a hostile client tries besides broken HTTP: each attempt ends at the gateway."""

import logging
import time
from pathlib import Path

import jwt
import orjson
import pytest

from gateway.observability.access_log import LOGGER
from tests.support.client import ask
from tests.support.gateway import LISTEN, plain, running
from tests.support.upstream import ScriptedUpstream

SECRET = "a secret for tests that is long enough for HS256"
OPS = {"Authorization": "Bearer ops-token-for-tests"}


def guarded(origin: str) -> str:
    return f"""{LISTEN}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
auth:
  jwt: {{keys: [{{alg: HS256, secret: "{SECRET}"}}], forward: {{sub: X-User-Id}}}}
quotas:
  key: {{quota: 5, window: 1h, by: "header:X-Key"}}
  address: {{quota: 2, window: 1h, by: ip}}
routes:
  - {{name: closed, match: "/api/{{rest*}}", upstream: v1}}
  - {{name: open, match: "/open/{{rest*}}", upstream: v1, auth: none, quotas: [key, address]}}
"""


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz", "/api/status", "/api/revocations"])
async def test_nothing_of_the_admin_listener_is_public(tmp_path: Path, path: str) -> None:
    text = plain("http://127.0.0.1:1").replace("/api/{rest*}", "/elsewhere")
    async with running(tmp_path, text) as gateway:
        answers = [await ask(gateway.public_port, path, method, OPS) for method in ("GET", "POST", "DELETE")]
    assert [answer.status for answer in answers] == [404, 404, 404]


async def test_inventing_a_new_key_for_each_request_does_not_lift_the_quota_by_address(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, guarded(v1.origin)) as gateway:
        statuses = [
            (await ask(gateway.public_port, "/open/x", fields={"X-Key": f"invented-{number}"})).status
            for number in range(4)
        ]
    assert statuses == [200, 200, 429, 429]


async def test_a_name_that_holds_a_line_break_stays_on_its_line_in_log_and_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    name = 'alice\r\nX-Admin: 1\r\n{"status": 200}'
    token = jwt.encode({"sub": name, "exp": int(time.time()) + 60}, SECRET, "HS256")
    async with ScriptedUpstream() as v1, running(tmp_path, guarded(v1.origin)) as gateway:
        fields = {"Authorization": f"Bearer {token}"}
        assert (await ask(gateway.public_port, "/api/a%0d%0ab", fields=fields)).status == 200
    (received,) = v1.received
    assert received.get("X-Admin") is None
    assert received.get("X-User-Id") == 'alice%0D%0AX-Admin: 1%0D%0A{"status": 200}'
    (line,) = [record.message for record in caplog.records if record.name == LOGGER]
    assert len(line.splitlines()) == 1
    assert (orjson.loads(line)["consumer"], orjson.loads(line)["path"]) == (name, "/api/a%0d%0ab")


async def test_a_refused_token_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    good = jwt.encode({"sub": "alice", "exp": 1}, SECRET, "HS256")
    async with ScriptedUpstream() as v1, running(tmp_path, guarded(v1.origin)) as gateway:
        for token in (good, f"{good}x", "secret-but-no-token"):
            answer = await ask(gateway.public_port, "/api/x", fields={"Authorization": f"Bearer {token}"})
            assert answer.status == 401
            assert token.encode() not in answer.body
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert good not in said
    assert "secret-but-no-token" not in said


async def test_rehearsing_opens_nothing_and_is_kept_from_the_backend(tmp_path: Path) -> None:
    fields = {"Crossfade-Rehearse": "2020-01-01", "Crossfade_Rehearse": "2020-01-01"}
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/x", fields=fields)
    assert not [name for name in v1.received[0].fields if "rehearse" in name]
