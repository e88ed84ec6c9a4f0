"""The queue as users see it, and how runners claim from it."""

import asyncio

import pytest

from backends.domain.claims import Claims
from backends.domain.errors import Fault, FaultKind
from tests.backends.domain.conftest import Parts


def _claims(parts: Parts, worker: str) -> Claims:
    return Claims(parts.store, parts.clock, worker=worker, lease_seconds=5)


async def test_submitted_tasks_are_pending_and_listed_newest_first(parts: Parts) -> None:
    ids = await parts.queue.submit("bob", ["AAPL", "MSFT"], "momentum", 7)
    page = await parts.queue.tasks("bob", None, 1, 10)
    assert [task.id for task in page.items] == ids[::-1]
    task = await parts.queue.task("bob", ids[0])
    assert (task.symbol, task.analysis_type, task.priority, task.status, task.progress) == (
        "AAPL", "momentum", 7, "pending", 0
    )  # fmt: skip
    assert (task.started_at, task.finished_at) == (None, None)


async def test_a_stock_given_twice_is_one_task(parts: Parts) -> None:
    assert len(await parts.queue.submit("bob", ["AAPL", "AAPL"])) == 1


async def test_an_unknown_stock_adds_no_task_at_all(parts: Parts) -> None:
    with pytest.raises(Fault) as refused:
        await parts.queue.submit("bob", ["AAPL", "999999"])
    assert refused.value.kind is FaultKind.NOT_FOUND
    assert (await parts.queue.stats("bob")).total == 0


async def test_figures_and_lists_are_the_users_own(parts: Parts) -> None:
    await parts.queue.submit("bob", ["AAPL", "MSFT", "NVDA"])
    parts.clock.advance(1)
    (carols,) = await parts.queue.submit("carol", ["AAPL"])
    await _claims(parts, "w").claim()
    stats = await parts.queue.stats("bob")
    assert (stats.pending, stats.running, stats.completed, stats.total) == (2, 1, 0, 3)
    page = await parts.queue.tasks("bob", "pending", 2, 1)
    assert (len(page.items), page.total, page.page, page.page_size) == (1, 2, 2, 1)
    with pytest.raises(Fault) as refused:
        await parts.queue.task("bob", carols)
    assert refused.value.kind is FaultKind.NOT_FOUND


async def test_the_most_urgent_task_is_claimed_first_and_the_oldest_among_equals(parts: Parts) -> None:
    (old,) = await parts.queue.submit("bob", ["AAPL"], priority=5)
    parts.clock.advance(1)
    younger, youngest = await parts.queue.submit("bob", ["MSFT", "NVDA"], priority=5)
    (urgent,) = await parts.queue.submit("carol", ["AAPL"], priority=9)
    claims = _claims(parts, "w")
    claimed = [(await claims.claim() or {})["_id"] for _ in range(4)]
    assert claimed == [urgent, old, younger, youngest]
    assert await claims.claim() is None


async def test_concurrent_runners_never_claim_the_same_task(parts: Parts) -> None:
    ids = await parts.queue.submit("bob", ["AAPL", "MSFT", "NVDA", "AMZN", "TSLA"])
    claimed = await asyncio.gather(*(_claims(parts, f"w{number}").claim() for number in range(8)))
    assert sorted(document["_id"] for document in claimed if document) == sorted(ids)


async def test_a_task_is_claimed_again_once_its_lease_has_expired(parts: Parts) -> None:
    await parts.queue.submit("bob", ["AAPL"])
    first, second = _claims(parts, "first"), _claims(parts, "second")
    claimed = await first.claim() or {}
    parts.clock.advance(4.9)
    assert await second.claim() is None
    parts.clock.advance(0.1)
    again = await second.claim() or {}
    assert (again["_id"], again["worker"], again["started_at"]) == (claimed["_id"], "second", claimed["started_at"])
    assert await first.advance(claimed["_id"], {"progress": 99}) is None
    assert await first.finish(claimed["_id"], {"status": "completed"}) is None


async def test_progress_extends_the_lease(parts: Parts) -> None:
    await parts.queue.submit("bob", ["AAPL"])
    claims = _claims(parts, "w")
    claimed = await claims.claim() or {}
    parts.clock.advance(4)
    await claims.advance(claimed["_id"], {"progress": 20})
    parts.clock.advance(4)
    assert await _claims(parts, "other").claim() is None


async def test_a_released_task_is_claimed_at_once(parts: Parts) -> None:
    await parts.queue.submit("bob", ["AAPL"])
    claims = _claims(parts, "w")
    claimed = await claims.claim() or {}
    await claims.release(claimed["_id"])
    assert (await _claims(parts, "other").claim() or {})["_id"] == claimed["_id"]


async def test_cancelling_ends_a_task_once_and_its_runner_loses_it(parts: Parts) -> None:
    pending, running = await parts.queue.submit("bob", ["AAPL", "MSFT"])
    claims = _claims(parts, "w")
    claimed = await claims.claim() or {}
    for task_id in (pending, running):
        cancelled = await parts.queue.cancel("bob", task_id)
        assert cancelled.status == "cancelled"
        assert cancelled.finished_at is not None
    assert await claims.advance(claimed["_id"], {"progress": 50}) is None
    with pytest.raises(Fault) as refused:
        await parts.queue.cancel("bob", pending)
    assert refused.value.kind is FaultKind.CONFLICT


async def test_nobody_cancels_someone_elses_task(parts: Parts) -> None:
    (task_id,) = await parts.queue.submit("bob", ["AAPL"])
    with pytest.raises(Fault) as refused:
        await parts.queue.cancel("carol", task_id)
    assert refused.value.kind is FaultKind.NOT_FOUND
    assert (await parts.queue.task("bob", task_id)).status == "pending"
