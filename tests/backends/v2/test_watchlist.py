"""`/api/v2/watchlist`."""

import pytest

from tests.backends.v2.caller import Caller

PATH = "/api/v2/watchlist"
FULL = {
    "symbol": "600519",
    "name": "Moutai",
    "tags": ["liquor"],
    "notes": "watch",
    "alertPriceHigh": 2000,
    "alertPriceLow": 1500.5,
}


async def test_what_was_added_is_listed_oldest_first(bob: Caller) -> None:
    assert await bob.data("GET", PATH) == []
    item = await bob.data("POST", PATH, FULL, status=201)
    assert {**item, "addedAt": None} == {**FULL, "addedAt": None}
    second = await bob.data("POST", PATH, {"symbol": "000001"}, status=201)
    assert (second["tags"], second["notes"], second["alertPriceHigh"]) == ([], "", None)
    assert second["name"]
    assert await bob.data("GET", PATH) == [item, second]


async def test_each_user_has_a_list_of_their_own(bob: Caller, alice: Caller) -> None:
    await bob.data("POST", PATH, FULL, status=201)
    assert await alice.data("GET", PATH) == []


async def test_an_unknown_stock_is_404_and_one_already_there_409(bob: Caller) -> None:
    assert (await bob.error(404, "POST", PATH, {"symbol": "999999"}))["code"] == "NOT_FOUND"
    await bob.data("POST", PATH, FULL, status=201)
    assert (await bob.error(409, "POST", PATH, FULL))["code"] == "CONFLICT"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"symbol": 5}, "symbol"),
        ({"symbol": "!"}, "symbol"),
        ({"tags": "liquor"}, "tags"),
        ({"tags": [1]}, "tags.0"),
        ({"alertPriceHigh": -1}, "alertPriceHigh"),
        ({"notes": None}, "notes"),
    ],
)
async def test_bad_values_are_422_and_named(change: dict[str, object], field: str, bob: Caller) -> None:
    error = await bob.error(422, "POST", PATH, {**FULL, **change})
    assert [detail["field"] for detail in error["details"]] == [field]


async def test_a_change_touches_only_what_was_sent(bob: Caller) -> None:
    item = await bob.data("POST", PATH, FULL, status=201)
    changed = await bob.data("PATCH", f"{PATH}/600519", {"alertPriceHigh": None, "notes": "sold"})
    assert changed == {**item, "alertPriceHigh": None, "notes": "sold"}
    assert await bob.data("GET", PATH) == [changed]


async def test_what_was_removed_is_gone(bob: Caller) -> None:
    await bob.data("POST", PATH, FULL, status=201)
    assert await bob.data("DELETE", f"{PATH}/600519") is None
    assert await bob.data("GET", PATH) == []
    await bob.error(404, "DELETE", f"{PATH}/600519")
    await bob.error(404, "PATCH", f"{PATH}/600519", {"notes": "x"})


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/600519")])
async def test_nothing_works_without_a_token(method: str, path: str, anyone: Caller) -> None:
    await anyone.error(401, method, path)
