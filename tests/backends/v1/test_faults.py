"""`/__faults`."""

import time

import aiohttp
import pytest

from tests.backends.v1.legacy import Legacy

NONE = {"error_rate": 0.0, "latency_ms": 0.0, "drop": 0.0, "match": None}


async def test_what_was_set_is_shown_until_it_is_cleared(anyone: Legacy) -> None:
    wanted = {"error_rate": 0.3, "latency_ms": 800.0, "drop": 0.1, "match": "/api/favorites"}
    assert await anyone.data("POST", "/__faults", wanted) == wanted
    assert await anyone.data("GET", "/__faults") == wanted
    assert await anyone.data("DELETE", "/__faults") == NONE
    assert await anyone.data("GET", "/__faults") == NONE


@pytest.mark.parametrize("body", [{"error_rate": 2}, {"drop": -1}, {"latency_ms": -5}, {"errors": 1}])
async def test_impossible_faults_are_422(body: dict[str, object], anyone: Legacy) -> None:
    await anyone.detail(422, "POST", "/__faults", body)


async def test_errors_hit_what_matches_and_nothing_else(bob: Legacy) -> None:
    await bob.data("POST", "/__faults", {"error_rate": 1, "match": "/api/favorites"})
    assert await bob.detail(500, "GET", "/api/favorites") == "internal error"
    await bob.data("GET", "/api/config")
    await bob.data("DELETE", "/__faults")
    await bob.data("GET", "/api/favorites")


async def test_health_is_spared(anyone: Legacy) -> None:
    await anyone.data("POST", "/__faults", {"error_rate": 1})
    await anyone.data("GET", "/api/health")


async def test_latency_makes_calls_wait(bob: Legacy) -> None:
    await bob.data("POST", "/__faults", {"latency_ms": 120})
    began = time.monotonic()
    await bob.data("GET", "/api/config")
    assert time.monotonic() - began >= 0.12


async def test_a_drop_cuts_the_connection_without_an_answer(bob: Legacy) -> None:
    await bob.data("POST", "/__faults", {"drop": 1})
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await bob.data("POST", "/api/news/sync", {})
