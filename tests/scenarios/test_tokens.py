"""Good, bad and hostile tokens through a whole gateway: each gets its verdict and its reason, and nothing breaks it."""

import json
import logging
import time
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.observability.access_log import LOGGER
from gateway.server.gateway import Gateway
from tests.policy.test_vectors import FOLDER, SECRET, VECTORS, signed
from tests.support.client import Received, ask, connected
from tests.support.gateway import LISTEN, running
from tests.support.key_server import key_server
from tests.support.upstream import ScriptedUpstream


def configuration(origin: str, url: str) -> str:
    return f"""{LISTEN}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
auth:
  jwt:
    keys: [{{alg: HS256, kid: kid-hs, secret: "{SECRET.decode()}"}}]
    jwks: {{url: {url}, cooldown: 1ms}}
    issuer: https://issuer.test
    audience: gw
routes:
  - {{name: closed, match: "/api/{{rest*}}", upstream: v1}}
"""


async def send(gateway: Gateway, *authorizations: bytes) -> Received:
    lines = b"".join(b"Authorization: " + value + b"\r\n" for value in authorizations)
    async with connected(gateway.public_port) as client:
        await client.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")
        return await client.answer()


def bearer(**changes: Any) -> bytes:
    """Return a field with a token that is good but for the changes; None leaves a claim out."""
    claims = {"iss": "https://issuer.test", "aud": "gw", "sub": "alice", "exp": int(time.time()) + 86_400, **changes}
    present = {name: value for name, value in claims.items() if value is not None}
    payload = json.dumps(present).encode()
    return b"Bearer " + jwt.api_jws.encode(payload, SECRET, "HS256", headers={"kid": "kid-hs"}).encode()


async def test_every_known_token_gets_its_verdict_and_never_a_server_error(tmp_path: Path) -> None:
    wrong = []
    async with key_server() as issuer, ScriptedUpstream() as v1:
        issuer.body = (FOLDER / "jwks.json").read_bytes()
        async with running(tmp_path, configuration(v1.origin, issuer.url)) as gateway:
            for vector in VECTORS:
                texts = [
                    one if isinstance(one, str) else f"Bearer {signed(*one, time.time())}" for one in vector["auth"]
                ]
                answer = await send(gateway, *[text.encode("utf-8", "surrogateescape") for text in texts])
                verdict = "accept" if answer.status == 200 else "reject"
                if answer.status >= 500 or vector["expect"] not in {verdict, "either"}:
                    wrong.append((vector["name"], vector["expect"], answer.status))
    assert wrong == []
    assert all(received.get("x-admin") is None for received in v1.received)


REASONS = {
    "missing": b"Basic YWxpY2U6c2VjcmV0",
    "too_long": bearer(pad="x" * 8000),
    "malformed": b"Bearer nonsense",
    "duplicate": b"Bearer eyJhbGciOiJIUzI1NiIsImFsZyI6Im5vbmUifQ.e30.",
    "encrypted": b"Bearer a.b.c.d.e",
    "embedded_key": b"Bearer eyJhbGciOiJSUzI1NiIsImp3ayI6e319.e30.",
    "critical": b"Bearer eyJhbGciOiJIUzI1NiIsImNyaXQiOlsieCJdfQ.e30.",
    "algorithm": b"Bearer eyJhbGciOiJub25lIn0." + bearer().split(b".")[1] + b".",
    "unknown_key": b"Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6Im5ldyJ9." + bearer().split(b".")[1] + b".",
    "signature": bearer()[:-4] + b"AAAA",
    "times": bearer(exp="4000000000"),
    "expired": bearer(exp=1_000_000_000),
    "not_yet_valid": bearer(nbf=4_000_000_000),
    "subject": bearer(sub=7),
    "issuer": bearer(iss="https://issuer.tes"),
    "audience": bearer(aud=["gw2"]),
}


async def test_each_refusal_has_its_reason_in_the_challenge_the_metric_and_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    challenges = {}
    async with key_server() as issuer, ScriptedUpstream() as v1:
        issuer.body = (FOLDER / "jwks.json").read_bytes()
        async with running(tmp_path, configuration(v1.origin, issuer.url)) as gateway:
            for reason, field in REASONS.items():
                answer = await send(gateway, field)
                assert answer.status == 401, reason
                challenges[reason] = answer.get("WWW-Authenticate")
            metrics = (await ask(gateway.admin_port, "/metrics")).body.decode()
    lines = [line for record in caplog.records if record.name == LOGGER for line in record.message.splitlines()]
    assert [orjson.loads(line)["reason"] for line in lines] == list(REASONS)
    assert len(set(challenges.values())) == len(REASONS)
    assert all(
        challenge.startswith('Bearer error="invalid_token", error_description="') for challenge in challenges.values()
    )
    for reason in REASONS:
        assert f'crossfade_auth_failures_total{{reason="{reason}"}} 1.0' in metrics
    assert v1.received == []
    tokens = [field.removeprefix(b"Bearer ").decode() for field in REASONS.values()]
    assert not any(token in repr(lines) or token in metrics for token in tokens)


NOISE = st.binary(max_size=120).map(lambda raw: b"~" + bytes(byte for byte in raw if byte > 32 and byte != 127))


@pytest.fixture
async def gateway(tmp_path: Path) -> Any:
    async with key_server() as issuer, ScriptedUpstream() as v1:
        issuer.body = (FOLDER / "jwks.json").read_bytes()
        async with running(tmp_path, configuration(v1.origin, issuer.url)) as found:
            yield found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([b"Bearer ", b"bearer ", b""]), NOISE, NOISE, st.integers(0, 300))
async def test_noise_is_never_let_in_and_never_a_server_error(
    gateway: Gateway, scheme: bytes, noise: bytes, tail: bytes, cut: int
) -> None:
    good = bearer().removeprefix(b"Bearer ")
    for value in (scheme + noise, scheme + good[:cut] + noise, scheme + good + b"." + tail, scheme + noise + good):
        assert (await send(gateway, value)).status in {400, 401}
