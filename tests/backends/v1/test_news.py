"""`/api/news`."""

from tests.backends.v1.legacy import Legacy

ITEM = {"id", "title", "summary", "source", "symbols", "sentiment", "published_at"}


async def test_a_page_holds_its_items_newest_first(bob: Legacy) -> None:
    page = await bob.data("GET", "/api/news?page=2&page_size=5")
    assert set(page) == {"items", "total", "page", "page_size"}
    assert (page["page"], page["page_size"], len(page["items"])) == (2, 5, 5)
    assert all(set(item) == ITEM for item in page["items"])
    times = [item["published_at"] for item in page["items"]]
    assert times == sorted(times, reverse=True)


async def test_news_of_one_stock_is_about_it(bob: Legacy) -> None:
    symbol = (await bob.data("GET", "/api/news"))["items"][0]["symbols"][0]
    page = await bob.data("GET", f"/api/news?symbol={symbol}")
    assert page["total"] > 0
    assert all(symbol in item["symbols"] for item in page["items"])


async def test_page_zero_is_422(bob: Legacy) -> None:
    await bob.detail(422, "GET", "/api/news?page=0")


async def test_one_item_has_its_text(bob: Legacy) -> None:
    listed = (await bob.data("GET", "/api/news"))["items"][0]
    item = await bob.data("GET", f"/api/news/{listed['id']}")
    assert set(item) == ITEM | {"content"}
    assert {**listed, "content": item["content"]} == item


async def test_an_unknown_item_is_404(bob: Legacy) -> None:
    await bob.detail(404, "GET", "/api/news/none")


async def test_a_sync_says_how_much_it_brought(bob: Legacy) -> None:
    result = await bob.data("POST", "/api/news/sync", {"symbols": ["600519"], "limit": 3})
    assert set(result) == {"synced", "updated_at"}
    assert isinstance(result["synced"], int)


async def test_a_sync_of_too_much_is_422(bob: Legacy) -> None:
    await bob.detail(422, "POST", "/api/news/sync", {"limit": 51})
