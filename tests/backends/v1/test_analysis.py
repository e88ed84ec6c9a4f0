"""`/api/analysis`, trends included."""

from tests.backends.v1.legacy import Legacy

PROGRESS = {
    "task_id",
    "stock_code",
    "analysis_type",
    "status",
    "progress",
    "current_step",
    "message",
    "created_at",
    "updated_at",
}
RESULT = {
    "task_id",
    "stock_code",
    "stock_name",
    "analysis_type",
    "recommendation",
    "confidence",
    "indicators",
    "summary",
    "completed_at",
}
INDICATORS = {"ma5", "ma20", "rsi14", "macd", "volatility", "return_percent"}


async def started(user: Legacy) -> str:
    data = await user.data("POST", "/api/analysis/stock", {"stock_code": "600519", "days": 30})
    assert set(data) == {"task_id", "status"}
    assert data["status"] in {"queued", "processing"}  # the runner may be quicker than the answer
    return str(data["task_id"])


async def test_an_analysis_runs_to_its_result(bob: Legacy) -> None:
    task_id = await started(bob)
    await bob.finish(task_id)
    result = await bob.data("GET", f"/api/analysis/result/{task_id}")
    assert set(result) == RESULT
    assert set(result["indicators"]) == INDICATORS
    assert (result["task_id"], result["stock_code"]) == (task_id, "600519")
    assert result["recommendation"] in {"buy", "hold", "sell"}


async def test_too_few_days_are_422(bob: Legacy) -> None:
    await bob.detail(422, "POST", "/api/analysis/stock", {"stock_code": "600519", "days": 19})


async def test_an_analysis_of_an_unknown_stock_is_404(bob: Legacy) -> None:
    await bob.detail(404, "POST", "/api/analysis/stock", {"stock_code": "999999"})


async def test_progress_is_the_callers_to_see(alice: Legacy, bob: Legacy) -> None:
    task_id = await started(bob)
    progress = await bob.data("GET", f"/api/analysis/tasks/{task_id}")
    assert set(progress) == PROGRESS
    assert progress["task_id"] == task_id
    await alice.detail(404, "GET", f"/api/analysis/tasks/{task_id}")


async def test_the_result_of_an_unfinished_analysis_is_400(bob: Legacy) -> None:
    queued = await bob.data("POST", "/api/queue/submit", {"stock_codes": ["600519"] * 10})
    await bob.detail(400, "GET", f"/api/analysis/result/{queued['task_ids'][-1]}")


async def test_the_result_of_nothing_is_404(bob: Legacy) -> None:
    await bob.detail(404, "GET", "/api/analysis/result/none")


async def test_the_history_has_a_line_for_each_analysis(bob: Legacy) -> None:
    task_id = await started(bob)
    page = await bob.data("GET", "/api/analysis/history")
    assert page["total"] == 1
    assert set(page["items"][0]) == {
        "task_id",
        "stock_code",
        "analysis_type",
        "status",
        "created_at",
        "completed_at",
    }
    assert page["items"][0]["task_id"] == task_id


async def test_a_history_page_that_is_no_number_is_422(bob: Legacy) -> None:
    await bob.detail(422, "GET", "/api/analysis/history?page=first")


async def test_a_trend_is_found_and_kept(bob: Legacy) -> None:
    trend_id = (await bob.data("POST", "/api/analysis/trend", {"stock_code": "600519"}))["trend_id"]
    trend = await bob.data("GET", f"/api/analysis/trend/{trend_id}")
    assert set(trend) == {
        "trend_id",
        "stock_code",
        "stock_name",
        "days",
        "direction",
        "slope",
        "fit",
        "start_date",
        "end_date",
        "created_at",
    }
    assert trend["direction"] in {"up", "down", "flat"}


async def test_a_trend_without_a_stock_is_422(bob: Legacy) -> None:
    await bob.detail(422, "POST", "/api/analysis/trend", {"days": 60})


async def test_anothers_trend_is_404(alice: Legacy, bob: Legacy) -> None:
    trend_id = (await bob.data("POST", "/api/analysis/trend", {"stock_code": "600519"}))["trend_id"]
    await alice.detail(404, "GET", f"/api/analysis/trend/{trend_id}")
