"""`/api/stocks`."""

from tests.backends.v1.legacy import Legacy

STOCK = {"stock_code", "stock_name", "market", "industry", "list_date"}
CANDLE = {"date", "open", "high", "low", "close", "volume", "amount"}


async def test_stocks_come_in_pages(bob: Legacy) -> None:
    page = await bob.data("GET", "/api/stocks?page_size=10")
    assert len(page["items"]) == 10
    assert page["total"] >= 45
    assert all(set(stock) == STOCK for stock in page["items"])


async def test_stocks_are_found_by_market_and_text(bob: Legacy) -> None:
    wanted = await bob.data("GET", "/api/stocks/600519")
    page = await bob.data("GET", f"/api/stocks?market={wanted['market']}&q=600519")
    assert [stock["stock_code"] for stock in page["items"]] == ["600519"]


async def test_too_large_a_page_is_422(bob: Legacy) -> None:
    await bob.detail(422, "GET", "/api/stocks?page_size=101")


async def test_one_stock_has_its_shares(bob: Legacy) -> None:
    stock = await bob.data("GET", "/api/stocks/600519")
    assert set(stock) == STOCK | {"total_shares"}
    assert stock["total_shares"] > 0


async def test_an_unknown_stock_is_404_everywhere(bob: Legacy) -> None:
    for path in ("", "/quote", "/kline"):
        await bob.detail(404, "GET", f"/api/stocks/999999{path}")


async def test_a_quote_is_complete(bob: Legacy) -> None:
    quote = await bob.data("GET", "/api/stocks/600519/quote")
    assert set(quote) == {
        "stock_code",
        "stock_name",
        "price",
        "change",
        "change_percent",
        "open",
        "high",
        "low",
        "prev_close",
        "volume",
        "time",
    }
    assert quote["low"] <= quote["price"] <= quote["high"]


async def test_k_lines_come_oldest_first(bob: Legacy) -> None:
    kline = await bob.data("GET", "/api/stocks/600519/kline?period=week&limit=8")
    assert set(kline) == {"stock_code", "period", "items"}
    assert (kline["stock_code"], kline["period"], len(kline["items"])) == ("600519", "week", 8)
    assert all(set(candle) == CANDLE for candle in kline["items"])
    dates = [candle["date"] for candle in kline["items"]]
    assert dates == sorted(dates)


async def test_an_unknown_period_is_422(bob: Legacy) -> None:
    await bob.detail(422, "GET", "/api/stocks/600519/kline?period=year")
