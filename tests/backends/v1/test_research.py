"""What only v1 offers beside trends and streams: screening, reports, chanlun, daily, historical, financial, social."""

import pytest

from tests.backends.v1.legacy import Legacy


async def test_screening_names_its_criteria(bob: Legacy) -> None:
    fields = await bob.data("GET", "/api/screening/fields")
    assert fields
    assert all(set(field) == {"name", "label", "kind"} for field in fields)


async def test_criteria_without_a_token_are_401(anyone: Legacy) -> None:
    await anyone.detail(401, "GET", "/api/screening/fields")


async def test_screening_finds_what_meets_the_criteria(bob: Legacy) -> None:
    found = await bob.data("POST", "/api/screening/run", {"min_change_percent": -100, "min_volume": 0, "limit": 5})
    assert set(found) == {"items", "total"}
    assert len(found["items"]) == 5
    assert set(found["items"][0]) == {"stock_code", "stock_name", "change_percent", "volume", "close"}


async def test_screening_for_less_than_nothing_is_422(bob: Legacy) -> None:
    await bob.detail(422, "POST", "/api/screening/run", {"min_volume": -1})


async def test_a_finished_analysis_is_a_report(bob: Legacy) -> None:
    task_id = (await bob.data("POST", "/api/analysis/stock", {"stock_code": "600519"}))["task_id"]
    await bob.finish(task_id)
    reports = await bob.data("GET", "/api/reports")
    assert reports["total"] == 1
    line = {"task_id", "stock_code", "stock_name", "analysis_type", "recommendation", "confidence", "completed_at"}
    assert set(reports["items"][0]) == line
    report = await bob.data("GET", f"/api/reports/{task_id}")
    assert set(report) == {"task_id", "stock_code", "stock_name", "title", "text", "completed_at"}


async def test_a_report_of_nothing_is_404(bob: Legacy) -> None:
    await bob.detail(404, "GET", "/api/reports/none")


async def test_a_page_of_reports_below_one_is_422(bob: Legacy) -> None:
    await bob.detail(422, "GET", "/api/reports?page=-1")


async def test_chanlun_finds_tops_and_bottoms(bob: Legacy) -> None:
    found = await bob.data("GET", "/api/chanlun/600519")
    assert set(found) == {"stock_code", "fractals"}
    assert all(set(fractal) == {"date", "kind", "price"} for fractal in found["fractals"])
    assert {fractal["kind"] for fractal in found["fractals"]} == {"top", "bottom"}


async def test_the_daily_analysis_compares_with_the_averages(bob: Legacy) -> None:
    daily = await bob.data("GET", "/api/daily-analysis/600519")
    assert set(daily) == {
        "stock_code",
        "stock_name",
        "date",
        "close",
        "change_percent",
        "ma5",
        "ma20",
        "volume",
        "volume_ratio",
        "above_ma5",
        "above_ma20",
        "summary",
    }
    assert daily["above_ma5"] is (daily["close"] > daily["ma5"])


async def test_historical_data_keeps_to_its_dates(bob: Legacy) -> None:
    days = [item["date"] for item in (await bob.data("GET", "/api/stocks/600519/kline?limit=5"))["items"]]
    found = await bob.data("GET", f"/api/historical-data/600519?start={days[1]}&end={days[3]}")
    assert set(found) == {"stock_code", "start", "end", "items"}
    assert [item["date"] for item in found["items"]] == days[1:4]


async def test_a_date_that_is_none_is_422(bob: Legacy) -> None:
    await bob.detail(422, "GET", "/api/historical-data/600519?start=yesterday")


async def test_financial_data_is_complete(bob: Legacy) -> None:
    assert set(await bob.data("GET", "/api/financial-data/600519")) == {
        "stock_code",
        "stock_name",
        "total_shares",
        "market_value",
        "pe_ratio",
        "pb_ratio",
        "dividend_yield",
        "revenue_growth",
    }


async def test_mentions_add_up(bob: Legacy) -> None:
    social = await bob.data("GET", "/api/social-media/600519")
    assert set(social) == {"stock_code", "stock_name", "total", "sources"}
    assert all(set(source) == {"source", "mentions", "positive", "negative"} for source in social["sources"])
    assert social["total"] == sum(source["mentions"] for source in social["sources"])


@pytest.mark.parametrize("area", ["chanlun", "daily-analysis", "historical-data", "financial-data", "social-media"])
async def test_an_unknown_stock_is_404_in(area: str, bob: Legacy) -> None:
    await bob.detail(404, "GET", f"/api/{area}/999999")
