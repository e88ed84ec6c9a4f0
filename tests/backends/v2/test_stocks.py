"""`/api/v2/stocks`."""

import pytest

from tests.backends.v2.caller import Caller


async def test_stocks_come_in_pages(bob: Caller) -> None:
    data = await bob.data("GET", "/api/v2/stocks?pageSize=7")
    assert len(data["items"]) == 7
    assert data["pagination"]["total"] >= 40
    assert all(set(item) == {"symbol", "name", "market", "industry", "listDate"} for item in data["items"])


async def test_stocks_are_found_by_market_industry_and_text(bob: Caller) -> None:
    stock = await bob.data("GET", "/api/v2/stocks/600519")
    query = f"market={stock['market']}&industry={stock['industry']}&q=6005"
    found = (await bob.data("GET", f"/api/v2/stocks?{query}"))["items"]
    assert "600519" in [item["symbol"] for item in found]
    assert {item["market"] for item in found} == {stock["market"]}


async def test_one_stock_has_its_shares(bob: Caller) -> None:
    stock = await bob.data("GET", "/api/v2/stocks/600519")
    assert set(stock) == {"symbol", "name", "market", "industry", "listDate", "totalShares"}


async def test_a_quote_is_consistent(bob: Caller) -> None:
    quote = await bob.data("GET", "/api/v2/stocks/600519/quote")
    names = {"symbol", "name", "price", "change", "changePercent", "open", "high", "low", "prevClose", "volume", "time"}
    assert set(quote) == names
    assert quote["low"] <= quote["price"] <= quote["high"]
    assert quote["time"].endswith("Z")


@pytest.mark.parametrize("period", ["day", "week"])
async def test_k_lines_come_oldest_first(period: str, bob: Caller) -> None:
    data = await bob.data("GET", f"/api/v2/stocks/600519/kline?period={period}&limit=10")
    assert (data["symbol"], data["period"]) == ("600519", period)
    assert len(data["candles"]) == 10
    names = {"date", "open", "high", "low", "close", "volume", "turnover"}
    assert all(set(candle) == names for candle in data["candles"])
    dates = [candle["date"] for candle in data["candles"]]
    assert dates == sorted(dates)


@pytest.mark.parametrize(("query", "field"), [("period=hour", "period"), ("limit=251", "limit"), ("limit=x", "limit")])
async def test_a_bad_query_is_422(query: str, field: str, bob: Caller) -> None:
    error = await bob.error(422, "GET", f"/api/v2/stocks/600519/kline?{query}")
    assert [detail["field"] for detail in error["details"]] == [field]


async def test_a_bad_page_is_422(bob: Caller) -> None:
    await bob.error(422, "GET", "/api/v2/stocks?page=0")


@pytest.mark.parametrize("rest", ["", "/quote", "/kline"])
async def test_an_unknown_stock_is_404(rest: str, bob: Caller) -> None:
    assert (await bob.error(404, "GET", f"/api/v2/stocks/999999{rest}"))["code"] == "NOT_FOUND"
