"""`/api/favorites`."""

import re

from tests.backends.v1.legacy import Legacy

ITEM = {"stock_code", "stock_name", "tags", "notes", "alert_price_high", "alert_price_low", "added_at"}


async def test_what_was_added_is_listed_oldest_first(bob: Legacy) -> None:
    before = await bob.data("GET", "/api/favorites")
    first = {"stock_code": "600519", "tags": ["core"], "notes": "hold", "alert_price_high": 2000.5}
    assert await bob.data("POST", "/api/favorites", first) == {"stock_code": "600519"}
    assert await bob.data("POST", "/api/favorites", {"stock_code": "000001"}) == {"stock_code": "000001"}
    items = await bob.data("GET", "/api/favorites")
    assert [item["stock_code"] for item in items[len(before) :]] == ["600519", "000001"]
    added = items[len(before)]
    assert set(added) == ITEM
    assert (added["tags"], added["notes"]) == (["core"], "hold")
    assert (added["alert_price_high"], added["alert_price_low"]) == (2000.5, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", added["added_at"])


async def test_nobody_sees_anothers_favourites(alice: Legacy, bob: Legacy) -> None:
    before = await alice.data("GET", "/api/favorites")
    await bob.data("POST", "/api/favorites", {"stock_code": "600519"})
    assert await alice.data("GET", "/api/favorites") == before


async def test_listing_without_a_token_is_401(anyone: Legacy) -> None:
    await anyone.detail(401, "GET", "/api/favorites")


async def test_the_same_stock_twice_is_400(bob: Legacy) -> None:
    await bob.data("POST", "/api/favorites", {"stock_code": "600519"})
    await bob.detail(400, "POST", "/api/favorites", {"stock_code": "600519"})


async def test_an_unknown_stock_is_404(bob: Legacy) -> None:
    await bob.detail(404, "POST", "/api/favorites", {"stock_code": "999999"})


async def test_a_price_that_is_text_is_422(bob: Legacy) -> None:
    await bob.detail(422, "POST", "/api/favorites", {"stock_code": "600519", "alert_price_high": "12"})


async def test_only_what_was_sent_changes(bob: Legacy) -> None:
    await bob.data("POST", "/api/favorites", {"stock_code": "600519", "notes": "hold", "alert_price_low": 10})
    changed = await bob.data("PATCH", "/api/favorites/600519", {"tags": ["new"], "alert_price_low": None})
    assert set(changed) == ITEM
    assert (changed["tags"], changed["notes"], changed["alert_price_low"]) == (["new"], "hold", None)


async def test_changing_what_is_not_there_is_404(bob: Legacy) -> None:
    await bob.detail(404, "PATCH", "/api/favorites/000002", {"notes": "x"})


async def test_tags_cannot_be_null(bob: Legacy) -> None:
    await bob.data("POST", "/api/favorites", {"stock_code": "600519"})
    await bob.detail(422, "PATCH", "/api/favorites/600519", {"tags": None})


async def test_a_removed_stock_is_gone(bob: Legacy) -> None:
    await bob.data("POST", "/api/favorites", {"stock_code": "600519"})
    assert await bob.data("DELETE", "/api/favorites/600519") is None
    await bob.detail(404, "DELETE", "/api/favorites/600519")
