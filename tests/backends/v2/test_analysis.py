"""`/api/v2/analysis`."""

from dataclasses import replace

import pytest

from backends.domain.platform import Settings
from tests.backends.v2.caller import Caller

START = {"symbol": "600519", "analysisType": "momentum", "days": 30}


async def finished(caller: Caller, body: dict[str, object]) -> str:
    """The id of an analysis that ran to its end."""
    async with await caller.talk() as talk:
        started = await caller.data("POST", "/api/v2/analysis/stock", body, status=202)
        assert set(started) == {"taskId", "status"}
        await talk.subscribe("analysis", {"tasks": [started["taskId"]]})
        await talk.hear("analysis_complete")
    task_id: str = started["taskId"]
    return task_id


async def test_an_analysis_runs_to_a_result(bob: Caller) -> None:
    task_id = await finished(bob, {**START})
    progress = await bob.data("GET", f"/api/v2/analysis/tasks/{task_id}")
    assert set(progress) == {
        "taskId",
        "symbol",
        "analysisType",
        "status",
        "progress",
        "currentStep",
        "message",
        "createdAt",
        "updatedAt",
    }
    assert (progress["status"], progress["progress"]) == ("completed", 100)
    result = await bob.data("GET", f"/api/v2/analysis/result/{task_id}")
    assert set(result) == {
        "taskId",
        "symbol",
        "name",
        "analysisType",
        "recommendation",
        "confidence",
        "indicators",
        "summary",
        "completedAt",
    }
    assert set(result["indicators"]) == {"ma5", "ma20", "rsi14", "macd", "volatility", "returnPercent"}
    assert (result["taskId"], result["symbol"], result["analysisType"]) == (task_id, "600519", "momentum")


async def test_the_history_is_the_callers_newest_first(bob: Caller, alice: Caller) -> None:
    first = await finished(bob, {**START})
    second = await finished(bob, {"symbol": "000001"})
    history = await bob.data("GET", "/api/v2/analysis/history?pageSize=1")
    assert history["pagination"] == {"page": 1, "pageSize": 1, "total": 2}
    assert [item["taskId"] for item in history["items"]] == [second]
    assert set(history["items"][0]) == {"taskId", "symbol", "analysisType", "status", "createdAt", "completedAt"}
    second_page = await bob.data("GET", "/api/v2/analysis/history?pageSize=1&page=2")
    assert [item["taskId"] for item in second_page["items"]] == [first]
    assert (await alice.data("GET", "/api/v2/analysis/history"))["items"] == []


async def test_another_users_analysis_does_not_exist(bob: Caller, alice: Caller) -> None:
    task_id = await finished(bob, {**START})
    await alice.error(404, "GET", f"/api/v2/analysis/tasks/{task_id}")
    await alice.error(404, "GET", f"/api/v2/analysis/result/{task_id}")


@pytest.mark.parametrize(("days", "reason"), [(19, "at least 20"), (251, "at most 250"), ("60", "a whole number")])
async def test_a_bad_number_of_days_is_422(days: object, reason: str, bob: Caller) -> None:
    error = await bob.error(422, "POST", "/api/v2/analysis/stock", {**START, "days": days})
    assert error["details"] == [{"field": "days", "reason": f"the value must be {reason}"}]


async def test_an_unknown_stock_is_404(bob: Caller) -> None:
    await bob.error(404, "POST", "/api/v2/analysis/stock", {"symbol": "999999"})


class TestUnfinished:
    """With steps that take for ever."""

    @pytest.fixture
    def platform_settings(self, platform_settings: Settings) -> Settings:
        return replace(platform_settings, step_seconds=60.0)

    async def test_a_result_that_is_not_there_yet_is_a_conflict(self, bob: Caller) -> None:
        started = await bob.data("POST", "/api/v2/analysis/stock", START, status=202)
        assert started["status"] in {"pending", "running"}
        error = await bob.error(409, "GET", f"/api/v2/analysis/result/{started['taskId']}")
        assert error["code"] == "CONFLICT"
