"""What Prometheus and the access log are told."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.observability.access_log import LOGGER
from gateway.observability.histogram import Histogram
from gateway.observability.metrics import Exposition, Metrics
from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import LISTEN, migrating, plain, running
from tests.support.upstream import ScriptedUpstream

DATED = """    deprecation:
      announced: 2026-12-01
      deprecated: +30d
      gone: +60d
    quotas: [few]
quotas:
  few: {quota: 1, window: 1d, by: "header:X-User"}"""
DEPRECATED = 1798761600.0  # 2027-01-01; gone from 2027-01-30


def _samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families: Iterable[Any] = text_string_to_metric_families(text.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


async def _scrape(port: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await ask(port, "/metrics")
    assert answer.status == 200
    assert (answer.get("Content-Type") or "").startswith("text/plain; version=0.0.4")
    return _samples(answer.body)


async def test_requests_are_counted_by_migration_endpoint_side_and_code(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2:
        text = migrating(v1.origin, v2.origin, percent=100, rest=DATED)
        async with running(tmp_path, text, clock=FakeClock(DEPRECATED)) as gateway:
            await ask(gateway.public_port, "/api/favorites", fields={"X-User": "alice"})
            await ask(gateway.public_port, "/api/favorites", fields={"X-User": "alice"})
            await ask(gateway.public_port, "/nowhere/secret")
            found = await _scrape(gateway.admin_port)
            origin = v2.origin
    requests = {key: value for key, value in found.items() if key[0] == "crossfade_requests_total"}

    def key(code: str, endpoint: str, migration: str, side: str) -> Any:
        labels = (("code", code), ("endpoint", endpoint), ("migration", migration), ("side", side))
        return ("crossfade_requests_total", labels)

    assert requests == {
        key("200", "GET /api/favorites", "watchlist", "successor"): 1,
        key("429", "GET /api/favorites", "watchlist", ""): 1,
        key("404", "", "", ""): 1,
    }
    assert found["crossfade_quota_exceeded_total", (("quota", "few"),)] == 1
    assert found["crossfade_deprecated_requests_total", (("migration", "watchlist"), ("phase", "deprecated"))] == 1
    assert found["crossfade_rollout_percent", (("migration", "watchlist"),)] == 100
    assert found["crossfade_migration_days_left", (("migration", "watchlist"), ("phase", "gone"))] == 29
    assert found["crossfade_migration_days_left", (("migration", "watchlist"), ("phase", "deprecated"))] == 0
    series = (("migration", "watchlist"), ("side", "successor"))
    assert found["crossfade_request_duration_seconds_count", series] == 1
    assert found["crossfade_upstream_duration_seconds_count", (("upstream", "v2"),)] == 1
    assert found["crossfade_upstream_connections", (("state", "active"), ("upstream", "v2"))] == 0
    assert found["crossfade_upstream_healthy", (("endpoint", origin), ("upstream", "v2"))] == 1
    assert found["crossfade_config_revision", ()] == 1


async def test_auth_failures_are_counted_by_reason(tmp_path: Path) -> None:
    text = f"""{LISTEN}
upstreams: {{v1: {{endpoints: ["http://127.0.0.1:1"]}}}}
auth: {{jwt: {{keys: [{{alg: HS256, secret: a-secret-of-at-least-32-bytes-length}}]}}}}
routes: [{{name: all, match: "/api/{{rest*}}", upstream: v1, auth: required}}]
"""
    async with running(tmp_path, text) as gateway:
        await ask(gateway.public_port, "/api/x")
        await ask(gateway.public_port, "/api/x", fields={"Authorization": "Bearer nonsense"})
        found = await _scrape(gateway.admin_port)
    assert found["crossfade_auth_failures_total", (("reason", "missing"),)] == 1
    assert found["crossfade_auth_failures_total", (("reason", "malformed"),)] == 1


async def test_no_label_holds_a_raw_path_a_consumer_or_a_token(tmp_path: Path) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        await ask(gateway.public_port, "/api/raw-path?q=raw-query", fields={"Authorization": "Bearer raw-token"})
        text = (await ask(gateway.admin_port, "/metrics")).body
    assert b"raw-" not in text


async def test_each_request_is_one_json_line_without_query_or_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    async with ScriptedUpstream() as v1, running(tmp_path, plain(v1.origin)) as gateway:
        fields = {"Authorization": "Bearer secret", "X-Request-Id": "r-1"}
        await ask(gateway.public_port, "/api/x?token=secret", fields=fields)
    # Lines are written in batches; the gateway has ended, so all are out.
    lines = [record.message for record in caplog.records if record.name == LOGGER]
    assert len(lines) == 1
    assert "secret" not in lines[0]
    entry = orjson.loads(lines[0])
    assert entry.pop("milliseconds") >= 0
    assert entry == {
        "request_id": "r-1",
        "method": "GET",
        "path": "/api/x",
        "status": 200,
        "owner": "everything",
        "side": "",
        "reason": "plain route",
        "consumer": "127.0.0.1",
    }


async def test_the_access_log_can_be_switched_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    text = plain("http://127.0.0.1:1").replace("server:", "server:\n  access_log: {enabled: false}", 1)
    async with running(tmp_path, text) as gateway:
        await ask(gateway.public_port, "/api/x")
    assert not [record for record in caplog.records if record.name == LOGGER]


async def test_the_access_log_can_note_every_fourth_request(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    text = plain("http://127.0.0.1:1").replace("server:", "server:\n  access_log: {sample: 0.25}", 1)
    async with running(tmp_path, text) as gateway:
        for _ in range(8):
            await ask(gateway.public_port, "/api/x")
    lines = [line for record in caplog.records if record.name == LOGGER for line in record.message.splitlines()]
    assert len(lines) == 2


async def test_a_reload_switches_the_access_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    text = plain("http://127.0.0.1:1")
    async with running(tmp_path, text) as gateway:
        (tmp_path / "gateway.yaml").write_text(text.replace("server:", "server:\n  access_log: {enabled: false}", 1))
        assert await gateway.reload()
        await ask(gateway.public_port, "/api/x")
    assert not [record for record in caplog.records if record.name == LOGGER]


def test_a_histogram_counts_each_duration_in_every_bucket_above_it() -> None:
    histogram = Histogram()
    for seconds in (0.001, 0.0011, 0.5, 99):
        histogram.observe(seconds)
    buckets = dict(histogram.cumulated())
    assert (buckets["0.001"], buckets["0.0025"], buckets["0.5"], buckets["30.0"], buckets["+Inf"]) == (1, 2, 3, 3, 4)


def test_metrics_without_any_request_are_valid_text() -> None:
    found = _samples(Exposition(Metrics()).text())
    assert found["crossfade_config_reloads_total", (("result", "applied"),)] == 0
