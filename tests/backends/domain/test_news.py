"""News: pages, items and the sync."""

import random

import pytest

from backends.domain.cache import Cache
from backends.domain.errors import Fault, FaultKind
from backends.domain.news import NewsDesk
from tests.backends.domain.conftest import Parts


@pytest.fixture
def news(parts: Parts) -> NewsDesk:
    cache = Cache(parts.redis, "news", seconds=10)
    return NewsDesk(parts.store, cache, parts.market, parts.clock, random.Random(1))


async def test_pages_are_newest_first_and_do_not_overlap(news: NewsDesk) -> None:
    first, second = await news.page(None, 1, 25), await news.page(None, 2, 25)
    assert (first.total, len(first.items), len(second.items)) == (60, 25, 25)
    times = [item.published_at for item in (*first.items, *second.items)]
    assert times == sorted(times, reverse=True)
    assert not {item.id for item in first.items} & {item.id for item in second.items}
    assert len((await news.page(None, 3, 25)).items) == 10


async def test_a_symbol_narrows_the_page(news: NewsDesk) -> None:
    page = await news.page("600519", 1, 20)
    assert page.total == len(page.items) > 0
    assert all("600519" in item.symbols for item in page.items)
    assert (await news.page("999999", 1, 20)).total == 0


async def test_an_item_has_its_content_or_is_not_found(news: NewsDesk) -> None:
    (listed,) = (await news.page(None, 1, 1)).items
    item = await news.item(listed.id)
    assert item == listed
    assert item.content.startswith(item.summary)
    assert item.sentiment in {"positive", "neutral", "negative"}
    with pytest.raises(Fault) as refused:
        await news.item("n-nothing")
    assert refused.value.kind is FaultKind.NOT_FOUND


async def test_a_sync_adds_news_that_the_next_page_shows_at_once(news: NewsDesk) -> None:
    before = await news.page(None, 1, 5)
    result = await news.sync(["AAPL", "MSFT"], 5)
    assert (result.synced, result.updated_at) == (5, "2026-11-23T10:00:00.000Z")
    after = await news.page(None, 1, 5)
    assert after.total == before.total + 5
    assert sorted(symbol for item in after.items for symbol in item.symbols) == ["AAPL"] * 3 + ["MSFT"] * 2


async def test_a_sync_without_symbols_takes_any_stocks_and_an_unknown_one_is_not_found(news: NewsDesk) -> None:
    assert (await news.sync(None, 3)).synced == 3
    with pytest.raises(Fault) as refused:
        await news.sync(["AAPL", "999999"], 3)
    assert refused.value.kind is FaultKind.NOT_FOUND
    assert (await news.page(None, 1, 1)).total == 63
