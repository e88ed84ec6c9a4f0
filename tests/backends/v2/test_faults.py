"""`/__faults`."""

import time

import aiohttp
import pytest

from tests.backends.v2.caller import Caller

NONE = {"error_rate": 0.0, "latency_ms": 0.0, "drop": 0.0, "match": None}


async def test_what_was_set_is_shown_until_it_is_cleared(anyone: Caller) -> None:
    wanted = {"error_rate": 0.3, "latency_ms": 800.0, "drop": 0.1, "match": "/api/v2/watchlist"}
    assert await anyone.data("POST", "/__faults", wanted) == wanted
    assert await anyone.data("GET", "/__faults") == wanted
    assert await anyone.data("DELETE", "/__faults") == NONE


async def test_impossible_faults_are_422(anyone: Caller) -> None:
    error = await anyone.error(422, "POST", "/__faults", {"error_rate": 2})
    assert [detail["field"] for detail in error["details"]] == ["error_rate"]


async def test_errors_hit_what_matches_and_nothing_else(bob: Caller) -> None:
    await bob.data("POST", "/__faults", {"error_rate": 1, "match": "/api/v2/watchlist"})
    error = await bob.error(500, "GET", "/api/v2/watchlist")
    assert error == {"code": "INTERNAL_ERROR", "message": "internal error", "details": None}
    await bob.data("GET", "/api/v2/config/system")
    await bob.data("DELETE", "/__faults")
    await bob.data("GET", "/api/v2/watchlist")


async def test_health_is_spared(anyone: Caller) -> None:
    await anyone.data("POST", "/__faults", {"error_rate": 1, "drop": 1})
    await anyone.data("GET", "/health")


async def test_latency_makes_calls_wait(bob: Caller) -> None:
    await bob.data("POST", "/__faults", {"latency_ms": 120})
    began = time.monotonic()
    await bob.data("GET", "/api/v2/config/system")
    assert time.monotonic() - began >= 0.12


async def test_a_drop_cuts_the_connection_without_an_answer(bob: Caller) -> None:
    await bob.data("POST", "/__faults", {"drop": 1})
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await bob.data("POST", "/api/v2/news/sync", {})


async def test_a_fault_can_refuse_a_websocket(bob: Caller) -> None:
    await bob.data("POST", "/__faults", {"error_rate": 1, "match": "/ws"})
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await bob.talk()
    assert refused.value.status == 500
