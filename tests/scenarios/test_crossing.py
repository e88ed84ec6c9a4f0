"""Writes cross sides: a caller may be served by v1 or v2 at any moment and finds the same data."""

from .client import Client
from .conftest import System

ITEM = {"stock_code": "600036", "tags": ["bank"], "notes": "crosses sides"}


async def codes(client: Client, user: str) -> list[str]:
    answer = await client.call("GET", "/api/favorites", user=user)
    assert answer.status == 200, answer.text
    return [item["stock_code"] for item in answer.body["data"]]


async def test_added_at_0_visible_at_100_deleted_at_10_percent(system: System) -> None:
    added = await system.at_zero.call("POST", "/api/favorites", body=ITEM, user="dora")
    assert (added.status, added.headers["x-served-by"]) == (200, "v1")
    assert await codes(system.at_hundred, "dora") == ["600036"]
    deleted = await system.at_ten.call("DELETE", "/api/favorites/600036", user="dora")
    assert deleted.status == 200
    assert await codes(system.at_zero, "dora") == []
    assert await codes(system.at_hundred, "dora") == []


async def test_a_task_started_on_one_side_is_cancelled_on_the_other(system: System) -> None:
    body = {"stock_codes": ["600519"], "priority": 0}
    submitted = await system.at_hundred.call("POST", "/api/queue/submit", body=body, user="emil")
    task = submitted.body["data"]["task_ids"][0]
    cancelled = await system.at_zero.call("DELETE", f"/api/queue/tasks/{task}", user="emil")
    assert cancelled.body["data"]["status"] == "cancelled"
    seen = await system.at_hundred.call("GET", f"/api/queue/tasks/{task}", user="emil")
    assert seen.body["data"]["status"] == "cancelled"
