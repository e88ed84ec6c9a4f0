"""Stocks, quotes and k-lines as the market serves them."""

import asyncio

import pytest

from backends.domain.errors import Fault, FaultKind
from backends.domain.market import Market, Quote, QuoteService, StockQuery
from backends.domain.platform import Platform
from tests.backends.domain.conftest import Parts


async def test_stocks_are_filtered_and_cut_into_pages(parts: Parts) -> None:
    everything = await parts.market.stocks(StockQuery(page_size=100))
    assert (everything.total, len(everything.items)) == (50, 50)
    symbols = [stock.symbol for stock in everything.items]
    assert symbols == sorted(symbols)
    second = await parts.market.stocks(StockQuery(page=2, page_size=20))
    assert [stock.symbol for stock in second.items] == symbols[20:40]
    assert {stock.market for stock in (await parts.market.stocks(StockQuery(market="HK"))).items} == {"HK"}
    banks = await parts.market.stocks(StockQuery(market="SH", industry="banking"))
    assert {stock.industry for stock in banks.items} == {"banking"}
    assert [stock.symbol for stock in (await parts.market.stocks(StockQuery(text="茅台"))).items] == ["600519"]
    assert [stock.symbol for stock in (await parts.market.stocks(StockQuery(text="aap"))).items] == ["AAPL"]
    assert (await parts.market.stocks(StockQuery(market="XX"))).total == 0


async def test_an_unknown_stock_has_nothing(parts: Parts) -> None:
    market = parts.market
    for attempt in (market.stock("X"), market.quote("X"), market.kline("X", "day", 5), market.between("X", None, None)):
        with pytest.raises(Fault) as refused:
            await attempt
        assert (refused.value.kind, refused.value.field) == (FaultKind.NOT_FOUND, "symbol")


async def test_a_quote_agrees_with_itself_and_with_the_last_k_line(parts: Parts) -> None:
    quote = await parts.market.quote("600519")
    (last,) = await parts.market.kline("600519", "day", 1)
    assert quote.prev_close == last.close
    assert quote.change == round(quote.price - quote.prev_close, 2)
    assert quote.change_percent == round(quote.change / quote.prev_close * 100, 2)
    assert quote.low <= quote.price <= quote.high
    assert quote.time <= "2026-11-23T10:00:00.000Z"


async def test_two_markets_agree_at_the_same_tick(parts: Parts) -> None:
    other = Market(parts.store, parts.market._cache, parts.clock, seed=7, interval_seconds=1.0)
    for _ in range(3):
        parts.clock.advance(7)
        assert await other.quote("AAPL") == await parts.market.quote("AAPL")


async def test_k_lines_are_the_last_ones_oldest_first(parts: Parts) -> None:
    days = await parts.market.kline("AAPL", "day", 60)
    assert len(days) == 60
    assert [candle.date for candle in days] == sorted(candle.date for candle in days)
    assert await parts.market.kline("AAPL", "day", 5) == days[-5:]
    weeks = await parts.market.kline("AAPL", "week", 10)
    assert len(weeks) == 10
    assert weeks[-1].close == days[-1].close


async def test_historical_data_includes_both_dates(parts: Parts) -> None:
    days = await parts.market.kline("AAPL", "day", 250)
    assert await parts.market.between("AAPL", days[10].date, days[20].date) == days[10:21]
    assert (await parts.market.between("AAPL", None, None))[-250:] == days
    assert await parts.market.between("AAPL", "2031-01-01", None) == []
    with pytest.raises(Fault) as refused:
        await parts.market.between("AAPL", "2026-02-01", "2026-01-01")
    assert refused.value.kind is FaultKind.INVALID


async def test_the_last_days_are_every_stocks(parts: Parts) -> None:
    days = await parts.market.last_days(2)
    assert len(days) == 50
    assert days["AAPL"] == await parts.market.kline("AAPL", "day", 2)


def test_there_are_four_markets(parts: Parts) -> None:
    assert [exchange.code for exchange in parts.market.markets()] == ["SH", "SZ", "HK", "US"]


async def test_listeners_hear_the_quotes_that_moved_until_they_unsubscribe(platform: Platform) -> None:
    heard: asyncio.Queue[list[Quote]] = asyncio.Queue()
    unsubscribe = platform.quotes.subscribe(heard.put_nowait)
    async with asyncio.timeout(5):
        ticks = [await heard.get() for _ in range(3)]
    for quotes in ticks:
        assert 5 < len(quotes) <= 50
        assert len({quote.symbol for quote in quotes}) == len(quotes)
    unsubscribe()
    await asyncio.sleep(0)
    while not heard.empty():
        heard.get_nowait()
    async with asyncio.timeout(5):
        again: asyncio.Queue[list[Quote]] = asyncio.Queue()
        platform.quotes.subscribe(again.put_nowait)
        await again.get()
    assert heard.empty()


async def test_a_listener_that_fails_does_not_silence_the_others(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_quotes: list[Quote]) -> None:
        raise RuntimeError("broken listener")

    service = QuoteService(parts.market, parts.clock, interval_seconds=0.01)
    heard: asyncio.Queue[list[Quote]] = asyncio.Queue()
    service.subscribe(fail)
    service.subscribe(heard.put_nowait)
    await service.start()
    parts.clock.advance(60)
    async with asyncio.timeout(5):
        await heard.get()
    await service.close()
    await service.close()
    assert "broken listener" in caplog.text
