"""`/api/v2/news`."""

from tests.backends.v2.caller import Caller

ITEM = {"id", "title", "summary", "source", "symbols", "sentiment", "publishedAt"}


async def test_news_come_newest_first_in_pages(bob: Caller) -> None:
    data = await bob.data("GET", "/api/v2/news?pageSize=5&page=2")
    assert data["pagination"]["page"] == 2
    assert data["pagination"]["pageSize"] == 5
    assert data["pagination"]["total"] > 10
    assert all(set(item) == ITEM for item in data["items"])
    times = [item["publishedAt"] for item in data["items"]]
    assert len(times) == 5
    assert times == sorted(times, reverse=True)


async def test_news_of_one_stock(bob: Caller) -> None:
    first = (await bob.data("GET", "/api/v2/news"))["items"][0]
    symbol = first["symbols"][0]
    items = (await bob.data("GET", f"/api/v2/news?symbol={symbol}"))["items"]
    assert first in items
    assert all(symbol in item["symbols"] for item in items)


async def test_a_page_of_more_than_a_hundred_is_422(bob: Caller) -> None:
    error = await bob.error(422, "GET", "/api/v2/news?pageSize=101&page=0")
    assert [detail["field"] for detail in error["details"]] == ["page", "pageSize"]
    assert error["message"] == error["details"][0]["reason"]


async def test_one_item_has_its_text(bob: Caller) -> None:
    first = (await bob.data("GET", "/api/v2/news?pageSize=1"))["items"][0]
    item = await bob.data("GET", f"/api/v2/news/{first['id']}")
    assert {name: value for name, value in item.items() if name != "content"} == first
    assert item["content"]


async def test_an_unknown_item_is_404(bob: Caller) -> None:
    assert (await bob.error(404, "GET", "/api/v2/news/nothing"))["code"] == "NOT_FOUND"


async def test_synchronising_says_how_many_came(bob: Caller) -> None:
    data = await bob.data("POST", "/api/v2/news/sync", {"symbols": ["600519"], "limit": 3}, status=202)
    assert set(data) == {"synced", "updatedAt"}
    assert 0 <= data["synced"] <= 3
    await bob.data("POST", "/api/v2/news/sync", status=202)


async def test_synchronising_too_much_is_422(bob: Caller) -> None:
    error = await bob.error(422, "POST", "/api/v2/news/sync", {"limit": 51})
    assert error["details"] == [{"field": "limit", "reason": "the value must be at most 50"}]
