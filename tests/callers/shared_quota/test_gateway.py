"""Shared quotas as clients of a gateway see them."""

import asyncio
from pathlib import Path

from tests.support.client import ask
from tests.support.gateway import plain, running
from tests.support.own_redis import OwnRedis
from tests.support.upstream import ScriptedUpstream

QUOTAS = """quotas:
  burst: {quota: 3, window: 1h, by: "header:X-Key", legacy_headers: true}
  watched: {quota: 1, window: 1h, by: "header:X-Key", shadow: true}
"""


def text(origin: str, redis: OwnRedis, timeout: str = "1s") -> str:
    config = plain(origin, rest=f'redis: {{url: "{redis.url}", timeout: {timeout}}}\n{QUOTAS}')
    return config.replace("auth: none", "auth: none, quotas: [burst, watched]")


async def test_it_answers_as_a_quota_of_its_own_would_and_bodies_arrive_whole(
    tmp_path: Path, v1: ScriptedUpstream, redis: OwnRedis
) -> None:
    async with running(tmp_path, text(v1.origin, redis)) as gateway:
        body = b"x" * 200_000
        answers = [
            await ask(gateway.public_port, "/api/x", method="POST", fields={"X-Key": "a"}, body=body) for _ in range(4)
        ]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [received.body for received in v1.received] == [body] * 3
    assert answers[0].get("RateLimit-Policy") == '"burst";q=3;w=3600'
    assert answers[0].get("RateLimit") == '"burst";r=2;t=1200'
    assert answers[0].get("X-RateLimit-Remaining") == "2"
    assert int(answers[3].get("Retry-After") or 0) in {1199, 1200, 1201}


async def test_gateways_on_one_redis_share_and_say_what_the_shadow_would_do(
    tmp_path: Path, v1: ScriptedUpstream, redis: OwnRedis
) -> None:
    (tmp_path / "other").mkdir()
    async with (
        running(tmp_path, text(v1.origin, redis)) as one,
        running(tmp_path / "other", text(v1.origin, redis)) as other,
    ):
        ports = [one.public_port, other.public_port] * 3
        statuses = [(await ask(port, "/api/x", fields={"X-Key": "a"})).status for port in ports]
        pages = [(await ask(port, "/metrics")).body.decode() for port in (one.admin_port, other.admin_port)]
    assert statuses == [200, 200, 200, 429, 429, 429]
    assert all("crossfade_redis_up 1.0" in page for page in pages)
    shadowed = [
        line for page in pages for line in page.splitlines() if line.startswith("crossfade_quota_shadowed_total")
    ]
    assert sum(float(line.rpartition(" ")[2]) for line in shadowed) == 2


async def test_a_stopped_redis_is_nobodys_failure(tmp_path: Path, v1: ScriptedUpstream, redis: OwnRedis) -> None:
    async with running(tmp_path, text(v1.origin, redis, "50ms")) as gateway:
        await ask(gateway.public_port, "/api/x", fields={"X-Key": "a"})
        redis.pause()
        asking = [ask(gateway.public_port, "/api/x", fields={"X-Key": f"user-{number}"}) for number in range(20)]
        assert {answer.status for answer in await asyncio.gather(*asking)} == {200}
        page = (await ask(gateway.admin_port, "/metrics")).body.decode()
        assert "crossfade_redis_up 0.0" in page
        assert 'crossfade_quota_fallbacks_total{reason="timeout"} 1.0' in page
        redis.go_on()
