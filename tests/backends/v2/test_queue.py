"""`/api/v2/queue`."""

from dataclasses import replace

import pytest

from backends.domain.platform import Settings
from tests.backends.v2.caller import Caller

TASK = {"taskId", "symbol", "analysisType", "priority", "status", "progress", "createdAt", "startedAt", "finishedAt"}


@pytest.fixture
def platform_settings(platform_settings: Settings) -> Settings:
    """Tasks that take for ever, so that nothing changes by itself."""
    return replace(platform_settings, step_seconds=60.0)


async def submitted(caller: Caller, *symbols: str) -> list[str]:
    """The ids of new tasks."""
    data = await caller.data("POST", "/api/v2/queue/submit", {"symbols": list(symbols)}, status=201)
    assert data["accepted"] == len(symbols) == len(data["taskIds"])
    ids: list[str] = data["taskIds"]
    return ids


async def test_a_submitted_task_is_listed_and_counted(bob: Caller) -> None:
    (task_id,) = await submitted(bob, "600519")
    task = await bob.data("GET", f"/api/v2/queue/tasks/{task_id}")
    assert set(task) == TASK
    assert (task["taskId"], task["symbol"], task["analysisType"], task["priority"]) == (
        task_id,
        "600519",
        "technical",
        5,
    )
    listed = await bob.data("GET", "/api/v2/queue/tasks")
    assert [item["taskId"] for item in listed["items"]] == [task_id]
    assert listed["pagination"] == {"page": 1, "pageSize": 20, "total": 1}
    stats = await bob.data("GET", "/api/v2/queue/stats")
    assert set(stats) == {"pending", "running", "completed", "failed", "cancelled", "total"}
    assert stats["total"] == stats["pending"] + stats["running"] == 1


async def test_tasks_are_found_by_status(bob: Caller) -> None:
    first, _ = await submitted(bob, "600519", "000001")
    await bob.data("DELETE", f"/api/v2/queue/tasks/{first}")
    cancelled = await bob.data("GET", "/api/v2/queue/tasks?status=cancelled")
    assert [task["taskId"] for task in cancelled["items"]] == [first]


async def test_the_statuses_are_v2s_own(bob: Caller) -> None:
    error = await bob.error(422, "GET", "/api/v2/queue/tasks?status=queued")
    assert [detail["field"] for detail in error["details"]] == ["status"]


async def test_a_cancelled_task_cannot_be_cancelled_again(bob: Caller) -> None:
    (task_id,) = await submitted(bob, "600519")
    task = await bob.data("DELETE", f"/api/v2/queue/tasks/{task_id}")
    assert task["status"] == "cancelled"
    assert task["finishedAt"]
    assert (await bob.error(409, "DELETE", f"/api/v2/queue/tasks/{task_id}"))["code"] == "CONFLICT"


async def test_another_users_task_does_not_exist(bob: Caller, alice: Caller) -> None:
    (task_id,) = await submitted(bob, "600519")
    await alice.error(404, "GET", f"/api/v2/queue/tasks/{task_id}")
    await alice.error(404, "DELETE", f"/api/v2/queue/tasks/{task_id}")
    assert (await alice.data("GET", "/api/v2/queue/stats"))["total"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "symbols"),
        ({"symbols": []}, "symbols"),
        ({"symbols": ["600519"] * 21}, "symbols"),
        ({"symbols": ["600519"], "priority": 10}, "priority"),
        ({"symbols": ["600519"], "analysisType": "astrology"}, "analysisType"),
    ],
)
async def test_bad_submissions_are_422_and_named(body: dict[str, object], field: str, bob: Caller) -> None:
    error = await bob.error(422, "POST", "/api/v2/queue/submit", body)
    assert [detail["field"] for detail in error["details"]] == [field]


async def test_an_unknown_stock_is_404(bob: Caller) -> None:
    await bob.error(404, "POST", "/api/v2/queue/submit", {"symbols": ["999999"]})
