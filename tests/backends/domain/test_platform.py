"""The whole platform: over MongoDB's wire, without Redis, and twice over one store."""

import asyncio
from dataclasses import replace

from backends.domain.market import StockQuery
from backends.domain.notifications import notifications_channel
from backends.domain.platform import Platform, Settings, open_platform
from backends.domain.watchlist import WatchDraft
from tests.support.port import free_port


async def _complete_an_analysis(platform: Platform) -> str:
    async with asyncio.timeout(20), platform.notifications.listen(notifications_channel("carol")) as messages:
        task = await platform.analysis.start("carol", "600519", "technical", 20)
        assert (await anext(messages))["data"]["task_id"] == task.id
    return (await platform.analysis.result("carol", task.id)).recommendation


async def test_the_platform_runs_over_the_mongodb_wire(platform_settings: Settings, mongo_url: str) -> None:
    settings = replace(platform_settings, store_url=mongo_url, seed_days=5)
    async with open_platform(settings) as platform:
        await platform.accounts.login("alice", "alice-demo")
        await platform.watchlist.add("carol", WatchDraft("600519"))
        assert [item.symbol for item in await platform.watchlist.list("carol")] == ["600519"]
        assert await _complete_an_analysis(platform) in {"buy", "hold", "sell"}


async def test_two_platforms_over_one_store_see_each_others_writes_and_work(platform_settings: Settings) -> None:
    async with open_platform(platform_settings) as v1, open_platform(platform_settings) as v2:
        await v1.watchlist.add("carol", WatchDraft("AAPL"))
        assert [item.symbol for item in await v2.watchlist.list("carol")] == ["AAPL"]
        pair, _ = await v1.accounts.login("carol", "carol-demo")
        assert v2.accounts.verify(pair.access_token).sub == "carol"
        await v1.news.page(None, 1, 1)
        await v2.news.sync(["AAPL"], 1)
        assert (await v1.news.page(None, 1, 1)).total == 61
        ids = await v1.queue.submit("carol", [stock.symbol for stock in (await v1.market.listed())[:12]])
        async with asyncio.timeout(10):
            while (stats := await v2.queue.stats("carol")).completed < len(ids):
                assert stats.failed == 0
                await asyncio.wait_for(asyncio.sleep(0.02), 1)


async def test_without_redis_all_but_pub_sub_and_token_renewal_works(platform_settings: Settings) -> None:
    settings = replace(platform_settings, redis_url=f"redis://127.0.0.1:{free_port()}")
    async with open_platform(settings) as platform:
        await platform.accounts.login("bob", "bob-demo")
        assert (await platform.market.stocks(StockQuery())).total == 50
        assert (await platform.news.page(None, 1, 5)).total == 60
        assert (await platform.news.sync(None, 2)).synced == 2
        (task_id,) = await platform.queue.submit("bob", ["AAPL"])
        async with asyncio.timeout(10):
            while (await platform.queue.task("bob", task_id)).status != "completed":
                await asyncio.wait_for(asyncio.sleep(0.02), 1)
