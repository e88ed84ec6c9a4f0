"""Tasks have a name, an owner and a logged end."""

import asyncio
import logging
from typing import Any

import pytest

from backends.domain.tasks import cancel_all, spawn


async def test_a_task_belongs_to_its_owner_until_it_ends() -> None:
    owner: set[asyncio.Task[Any]] = set()
    task = spawn(asyncio.sleep(0, "done"), name="short", owner=owner)
    assert owner == {task}
    assert task.get_name() == "short"
    assert await task == "done"
    await asyncio.sleep(0)
    assert owner == set()


async def test_an_unexpected_end_is_logged_with_the_tasks_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("broken")

    owner: set[asyncio.Task[Any]] = set()
    task = spawn(fail(), name="fragile", owner=owner)
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert "task fragile failed: broken" in caplog.text


async def test_cancelling_waits_until_all_have_ended(caplog: pytest.LogCaptureFixture) -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    owner: set[asyncio.Task[Any]] = set()
    for _ in range(3):
        spawn(work(), name="long", owner=owner)
    await asyncio.sleep(0)
    with caplog.at_level(logging.DEBUG):
        await cancel_all(owner)
        await cancel_all(owner)
    assert ended == [True] * 3
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
