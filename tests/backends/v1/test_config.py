"""`/api/config`."""

from tests.backends.v1.legacy import Legacy

CONFIG = {"site_name", "default_market", "refresh_interval", "max_favorites", "features"}


async def test_everybody_may_read_the_settings(bob: Legacy) -> None:
    config = await bob.data("GET", "/api/config")
    assert set(config) == CONFIG
    assert set(config["features"]) == {"realtime", "news", "analysis"}


async def test_settings_without_a_token_are_401(anyone: Legacy) -> None:
    await anyone.detail(401, "GET", "/api/config")


async def test_an_administrator_changes_what_was_sent(alice: Legacy) -> None:
    before = await alice.data("GET", "/api/config")
    after = await alice.data("PATCH", "/api/config", {"max_favorites": 7, "features": {"news": False}})
    assert after == {**before, "max_favorites": 7, "features": {**before["features"], "news": False}}
    assert await alice.data("GET", "/api/config") == after


async def test_a_user_may_not_change_settings(bob: Legacy) -> None:
    await bob.detail(403, "PATCH", "/api/config", {"max_favorites": 7})


async def test_an_interval_of_nothing_is_422(alice: Legacy) -> None:
    await alice.detail(422, "PATCH", "/api/config", {"refresh_interval": 0})


async def test_a_market_has_its_hours(bob: Legacy) -> None:
    markets = await bob.data("GET", "/api/config/markets")
    assert markets
    assert all(set(market) == {"code", "name", "currency", "timezone", "open_time", "close_time"} for market in markets)


async def test_markets_without_a_token_are_401(anyone: Legacy) -> None:
    await anyone.detail(401, "GET", "/api/config/markets")
