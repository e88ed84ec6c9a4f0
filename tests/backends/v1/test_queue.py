"""`/api/queue`."""

from tests.backends.v1.legacy import Legacy

TASK = {
    "task_id",
    "stock_code",
    "analysis_type",
    "priority",
    "status",
    "progress",
    "created_at",
    "started_at",
    "finished_at",
}
STATUSES = {"queued", "processing", "completed", "failed", "cancelled"}


async def test_each_submitted_stock_becomes_a_task(bob: Legacy) -> None:
    accepted = await bob.data(
        "POST", "/api/queue/submit", {"stock_codes": ["600519", "000001"], "analysis_type": "momentum", "priority": 9}
    )
    assert set(accepted) == {"task_ids", "accepted"}
    assert accepted["accepted"] == len(accepted["task_ids"]) == 2
    task = await bob.data("GET", f"/api/queue/tasks/{accepted['task_ids'][0]}")
    assert set(task) == TASK
    assert (task["stock_code"], task["analysis_type"], task["priority"]) == ("600519", "momentum", 9)
    assert task["status"] in STATUSES


async def test_an_unknown_analysis_is_422(bob: Legacy) -> None:
    await bob.detail(422, "POST", "/api/queue/submit", {"stock_codes": ["600519"], "analysis_type": "astrology"})


async def test_no_stock_at_all_is_422(bob: Legacy) -> None:
    await bob.detail(422, "POST", "/api/queue/submit", {"stock_codes": []})


async def test_figures_add_up(bob: Legacy) -> None:
    await bob.data("POST", "/api/queue/submit", {"stock_codes": ["600519", "000001"]})
    stats = await bob.data("GET", "/api/queue/stats")
    assert set(stats) == STATUSES | {"total"}
    assert stats["total"] == sum(stats[status] for status in STATUSES) == 2


async def test_figures_without_a_token_are_401(anyone: Legacy) -> None:
    await anyone.detail(401, "GET", "/api/queue/stats")


async def test_finished_tasks_are_listed_by_v1s_word_for_it(bob: Legacy) -> None:
    task_id = (await bob.data("POST", "/api/queue/submit", {"stock_codes": ["600519"]}))["task_ids"][0]
    await bob.finish(task_id)
    page = await bob.data("GET", "/api/queue/tasks?status=completed")
    assert (page["total"], page["page"], page["page_size"]) == (1, 1, 20)
    task = page["items"][0]
    assert set(task) == TASK
    assert (task["task_id"], task["progress"]) == (task_id, 100)
    assert (await bob.data("GET", "/api/queue/tasks?status=queued"))["items"] == []


async def test_v2s_word_for_a_status_is_422(bob: Legacy) -> None:
    await bob.detail(422, "GET", "/api/queue/tasks?status=running")


async def test_anothers_task_is_404(alice: Legacy, bob: Legacy) -> None:
    task_id = (await bob.data("POST", "/api/queue/submit", {"stock_codes": ["600519"]}))["task_ids"][0]
    await alice.detail(404, "GET", f"/api/queue/tasks/{task_id}")


async def test_a_waiting_task_can_be_cancelled(bob: Legacy) -> None:
    body = {"stock_codes": [f"{code:06}" for code in (1, 2)] + ["600519"] * 3, "priority": 0}
    task_id = (await bob.data("POST", "/api/queue/submit", body))["task_ids"][-1]
    task = await bob.data("DELETE", f"/api/queue/tasks/{task_id}")
    assert set(task) == TASK
    assert task["status"] == "cancelled"


async def test_a_finished_task_cannot_be_cancelled(bob: Legacy) -> None:
    task_id = (await bob.data("POST", "/api/queue/submit", {"stock_codes": ["600519"]}))["task_ids"][0]
    await bob.finish(task_id)
    await bob.detail(400, "DELETE", f"/api/queue/tasks/{task_id}")


async def test_cancelling_what_is_not_there_is_404(bob: Legacy) -> None:
    await bob.detail(404, "DELETE", "/api/queue/tasks/none")
