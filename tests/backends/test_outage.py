"""Redis or the store is gone: a clean 503 where they are needed, and everything else goes on."""

import json
import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from backends.domain.platform import Settings, open_platform
from backends.domain.store import StoreUnreachableError, mongo, open_store, sqlite
from tests.backends.both_sides import Answer, both_sides
from tests.support.port import free_port

NO_RENEWAL = Answer(503, "refresh tokens cannot be checked at the moment")
NO_STORE = Answer(503, "the store cannot be reached at the moment")


def _written(**members: Any) -> bytes:
    return json.dumps(members).encode()


async def test_without_redis_refresh_tokens_are_503_and_the_rest_goes_on(platform_settings: Settings) -> None:
    settings = replace(platform_settings, redis_url=f"redis://127.0.0.1:{free_port()}")
    async with open_platform(settings) as platform, both_sides(platform) as sides:
        legacy, successor = _written(refresh_token=sides.refresh_token), _written(refreshToken=sides.refresh_token)
        for call in ("refresh", "logout"):
            assert await sides.of_v1("POST", f"/api/auth/{call}", legacy) == NO_RENEWAL
            assert await sides.of_v2("POST", f"/api/v2/auth/{call}", successor) == NO_RENEWAL
        assert (await sides.of_v1("GET", "/api/news")).status == 200
        assert (await sides.of_v2("GET", "/api/v2/stocks")).status == 200


async def test_a_file_that_stays_locked_is_503(platform_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    async with open_platform(platform_settings) as platform, both_sides(platform) as sides:
        other = sqlite3.connect(platform_settings.store_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await sides.of_v1("POST", "/api/favorites", _written(stock_code="AAPL")) == NO_STORE
        assert await sides.of_v2("POST", "/api/v2/watchlist", _written(symbol="AAPL")) == NO_STORE
        other.execute("ROLLBACK")
        other.close()
        assert (await sides.of_v1("POST", "/api/favorites", _written(stock_code="AAPL"))).status == 200


async def test_a_mongodb_that_is_gone_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "SELECTION_MS", 100)
    store = open_store(f"mongodb://127.0.0.1:{free_port()}/gone")
    with pytest.raises(StoreUnreachableError, match="Connection refused"):
        await store.get("users", "alice")
    with pytest.raises(StoreUnreachableError):
        await store.update("users", {"_id": "alice"}, {"email": "x"})
    with pytest.raises(StoreUnreachableError):
        await store.find("users")
    await store.close()
