"""`/api/health` and `/api/monitoring/summary`."""

from tests.backends.v1.legacy import Legacy


async def test_health_is_open_to_all(anyone: Legacy) -> None:
    health = await anyone.data("GET", "/api/health")
    assert set(health) == {"status", "version", "uptime_seconds"}
    assert health["status"] == "ok"


async def test_the_summary_counts_requests_by_area(bob: Legacy) -> None:
    await bob.data("GET", "/api/favorites")
    await bob.detail(404, "DELETE", "/api/favorites/600519")
    summary = await bob.data("GET", "/api/monitoring/summary")
    assert set(summary) == {"uptime_seconds", "requests", "errors", "mean_latency_ms", "areas"}
    favorites = summary["areas"]["favorites"]
    assert set(favorites) == {"requests", "errors", "mean_latency_ms"}
    assert (favorites["requests"], favorites["errors"]) == (2, 0)
    assert favorites["mean_latency_ms"] > 0
    assert summary["requests"] == sum(area["requests"] for area in summary["areas"].values())


async def test_a_failure_is_an_error_of_its_area(bob: Legacy) -> None:
    await bob.data("POST", "/__faults", {"error_rate": 1, "match": "/api/news"})
    await bob.detail(500, "GET", "/api/news")
    summary = await bob.data("GET", "/api/monitoring/summary")
    assert summary["areas"]["news"]["errors"] == summary["errors"] == 1


async def test_the_summary_without_a_token_is_401(anyone: Legacy) -> None:
    await anyone.detail(401, "GET", "/api/monitoring/summary")
