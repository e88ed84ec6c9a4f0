"""`/health`."""

from tests.backends.v2.caller import Caller


async def test_health_needs_no_token(anyone: Caller) -> None:
    data = await anyone.data("GET", "/health")
    assert set(data) == {"status", "version", "uptimeSeconds"}
    assert data["status"] == "ok"
    assert data["uptimeSeconds"] >= 0
