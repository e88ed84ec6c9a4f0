"""What only v1 offers."""

import pytest

from backends.domain.analysis import Analyses
from backends.domain.indicators import Regression
from backends.domain.research import Research, ScreeningQuery
from backends.domain.trend import direction
from tests.backends.domain.conftest import Parts


@pytest.fixture
def research(parts: Parts) -> Research:
    return Research(parts.market, Analyses(parts.store, parts.queue, parts.market), seed=7)


async def test_screening_finds_the_strongest_first_and_counts_before_the_limit(research: Research) -> None:
    everything = await research.screen(ScreeningQuery())
    changes = [stock.change_percent for stock in everything.items]
    assert (everything.total, changes) == (50, sorted(changes, reverse=True))
    few = await research.screen(ScreeningQuery(limit=3))
    assert (few.items, few.total) == (everything.items[:3], 50)


async def test_screening_keeps_every_criterion(research: Research) -> None:
    query = ScreeningQuery(market="SH", min_change_percent=-1.0, max_change_percent=1.0, min_volume=1_000_000)
    found = await research.screen(query)
    assert 0 < found.total < 20
    assert all(-1 <= stock.change_percent <= 1 and stock.volume >= 1_000_000 for stock in found.items)
    assert {field.name for field in research.fields()} == set(ScreeningQuery.__dataclass_fields__)


async def test_the_daily_analysis_compares_the_last_day(research: Research, parts: Parts) -> None:
    daily = await research.daily("AAPL")
    *_, before, last = await parts.market.kline("AAPL", "day", 20)
    assert (daily.date, daily.close, daily.volume) == (last.date, last.close, last.volume)
    assert daily.change_percent == round((last.close / before.close - 1) * 100, 2)
    assert daily.above_ma20 == (last.close > daily.ma20)


async def test_tops_and_bottoms_are_found_in_the_k_lines(research: Research) -> None:
    found = await research.fractals("600519")
    assert {fractal.kind for fractal in found} == {"top", "bottom"}


async def test_made_up_figures_stay_the_same(research: Research) -> None:
    assert await research.financial("AAPL") == await research.financial("AAPL")
    assert await research.financial("AAPL") != await research.financial("MSFT")
    social = await research.social("AAPL")
    assert social == await research.social("AAPL")
    assert social.total == sum(source.mentions for source in social.sources)
    assert all(source.positive + source.negative <= source.mentions for source in social.sources)


@pytest.mark.parametrize(("slope", "expected"), [(1.0, "up"), (-1.0, "down"), (0.001, "flat")])
def test_a_trend_has_a_direction(slope: float, expected: str) -> None:
    assert direction(Regression(slope, 0.0, 1.0), 100.0) == expected
