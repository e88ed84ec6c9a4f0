"""`/api/v2/config`."""

import pytest

from tests.backends.v2.caller import Caller

SYSTEM = "/api/v2/config/system"


async def test_everybody_reads_the_settings(bob: Caller, anyone: Caller) -> None:
    data = await bob.data("GET", SYSTEM)
    assert set(data) == {"siteName", "defaultMarket", "refreshInterval", "maxWatchlist", "features"}
    assert set(data["features"]) == {"realtime", "news", "analysis"}
    await anyone.error(401, "GET", SYSTEM)


async def test_an_administrator_changes_only_what_was_sent(alice: Caller) -> None:
    before = await alice.data("GET", SYSTEM)
    after = await alice.data("PATCH", SYSTEM, {"maxWatchlist": 7, "features": {"news": False}})
    assert after == {**before, "maxWatchlist": 7, "features": {**before["features"], "news": False}}
    assert await alice.data("GET", SYSTEM) == after


async def test_others_may_not_change_anything(bob: Caller) -> None:
    error = await bob.error(403, "PATCH", SYSTEM, {"maxWatchlist": "many"})
    assert (error["code"], error["details"]) == ("FORBIDDEN", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"refreshInterval": 0}, "refreshInterval"),
        ({"maxWatchlist": 1001}, "maxWatchlist"),
        ({"features": {"news": "yes"}}, "features.news"),
        ({"features": None}, "features"),
        ({"siteName": ""}, "siteName"),
        ({"defaultMarket": "MARS"}, "defaultMarket"),
    ],
)
async def test_bad_settings_are_422_and_named(body: dict[str, object], field: str, alice: Caller) -> None:
    error = await alice.error(422, "PATCH", SYSTEM, body)
    assert [detail["field"] for detail in error["details"]] == [field]


async def test_markets_have_their_hours(bob: Caller, anyone: Caller) -> None:
    markets = await bob.data("GET", "/api/v2/config/markets")
    names = {"code", "name", "currency", "timezone", "openTime", "closeTime"}
    assert markets
    assert all(set(market) == names for market in markets)
    await anyone.error(401, "GET", "/api/v2/config/markets")
