"""Each user's watchlist."""

import asyncio

import pytest

from backends.domain.errors import Fault, FaultKind
from backends.domain.settings import SystemSettings
from backends.domain.watchlist import WatchDraft, Watchlist
from tests.backends.domain.conftest import Parts


@pytest.fixture
def watchlist(parts: Parts) -> Watchlist:
    return Watchlist(parts.store, parts.market, SystemSettings(parts.store), parts.clock)


async def test_items_are_listed_oldest_first_and_per_user(watchlist: Watchlist, parts: Parts) -> None:
    for symbol in ("AAPL", "600519", "000001"):
        await watchlist.add("bob", WatchDraft(symbol))
        parts.clock.advance(1)
    await watchlist.add("carol", WatchDraft("MSFT"))
    assert [item.symbol for item in await watchlist.list("bob")] == ["AAPL", "600519", "000001"]
    assert [item.symbol for item in await watchlist.list("carol")] == ["MSFT"]


async def test_an_item_takes_the_stocks_name_unless_one_is_given(watchlist: Watchlist) -> None:
    item = await watchlist.add("bob", WatchDraft("600519"))
    assert (item.name, item.tags, item.notes, item.alert_price_high) == ("贵州茅台", [], "", None)
    named = await watchlist.add("bob", WatchDraft("AAPL", name="fruit", tags=("tech",), alert_price_low=1.5))
    assert (named.name, named.tags, named.alert_price_low) == ("fruit", ["tech"], 1.5)
    assert named in await watchlist.list("bob")


async def test_an_unknown_stock_is_not_found(watchlist: Watchlist) -> None:
    with pytest.raises(Fault) as refused:
        await watchlist.add("bob", WatchDraft("999999"))
    assert (refused.value.kind, refused.value.field) == (FaultKind.NOT_FOUND, "symbol")


async def test_adding_a_stock_at_once_from_both_sides_succeeds_once(watchlist: Watchlist) -> None:
    adding = [watchlist.add("bob", WatchDraft("AAPL")) for _ in range(4)]
    answers = await asyncio.gather(*adding, return_exceptions=True)
    conflicts = [answer.kind for answer in answers if isinstance(answer, Fault)]
    assert conflicts == [FaultKind.CONFLICT] * 3
    assert len(await watchlist.list("bob")) == 1


async def test_a_change_touches_only_the_changeable_fields_given(watchlist: Watchlist) -> None:
    before = await watchlist.add("bob", WatchDraft("AAPL", notes="old", alert_price_high=10.0))
    after = await watchlist.change("bob", "AAPL", {"notes": "new", "alert_price_high": None, "symbol": "MSFT"})
    assert (after.notes, after.alert_price_high) == ("new", None)
    assert (after.symbol, after.added_at) == ("AAPL", before.added_at)
    assert await watchlist.change("bob", "AAPL", {}) == after


async def test_what_is_not_watched_can_be_neither_changed_nor_removed(watchlist: Watchlist) -> None:
    await watchlist.add("bob", WatchDraft("AAPL"))
    await watchlist.remove("bob", "AAPL")
    for attempt in (watchlist.remove("bob", "AAPL"), watchlist.change("bob", "AAPL", {"notes": "x"})):
        with pytest.raises(Fault) as refused:
            await attempt
        assert refused.value.kind is FaultKind.NOT_FOUND


async def test_a_full_watchlist_takes_no_more(watchlist: Watchlist, parts: Parts) -> None:
    await SystemSettings(parts.store).change({"max_watchlist": 1})
    await watchlist.add("bob", WatchDraft("AAPL"))
    with pytest.raises(Fault, match="full"):
        await watchlist.add("bob", WatchDraft("MSFT"))
    with pytest.raises(Fault, match="already"):
        await watchlist.add("bob", WatchDraft("AAPL"))
