"""The runner: steps, results, failures, and what happens when a process dies or stops."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backends.domain.notifications import notifications_channel, progress_channel
from backends.domain.platform import Platform, Settings, open_platform
from backends.domain.queue import FINISHED, Task
from backends.domain.runner import STEPS, TaskRunner
from tests.backends.domain.conftest import Parts
from tests.backends.moved_clock import MovedClock

ROOT = Path(__file__).parents[3]
DOOMED = """
import asyncio, sys
from backends.domain.platform import Settings, open_platform

async def main():
    settings = Settings(sys.argv[1], sys.argv[2], "x" * 32, step_seconds=60)
    async with open_platform(settings) as platform:
        ids = await platform.queue.submit("bob", ["AAPL", "MSFT", "NVDA", "AMZN", "TSLA", "BABA"])
        while (await platform.queue.stats("bob")).running < 4:
            await asyncio.sleep(0.01)
        print(" ".join(ids), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def _finished(platform: Platform, user: str, task_id: str) -> Task:
    async with asyncio.timeout(10), platform.notifications.listen(progress_channel(task_id)) as messages:
        task = await platform.queue.task(user, task_id)
        while task.status not in FINISHED:
            await anext(messages)
            task = await platform.queue.task(user, task_id)
        return task


async def test_a_task_runs_through_its_steps_to_a_result_and_says_so(platform: Platform) -> None:
    async with (
        asyncio.timeout(10),
        platform.notifications.listen("queue:bob", notifications_channel("bob")) as messages,
    ):
        task = await platform.analysis.start("bob", "600519", "technical", 60)
        seen = [await anext(messages) for _ in range(len(STEPS) + 3)]
    progress = [message for message in seen if message["channel"] == "queue:bob"]
    assert [message["status"] for message in progress] == ["pending", *["running"] * 5, "completed"]
    assert [message["progress"] for message in progress] == [0, 0, 20, 40, 60, 80, 100]
    assert [message["current_step"] for message in progress[1:6]] == [name for name, _ in STEPS]
    notification = seen[-1]
    assert (notification["kind"], notification["data"]["task_id"]) == ("analysis_complete", task.id)
    finished = await platform.queue.task("bob", task.id)
    assert (finished.status, finished.progress) == ("completed", 100)
    assert finished.started_at is not None
    assert finished.finished_at is not None


async def test_a_cancelled_task_stays_cancelled(platform_settings: Settings) -> None:
    async with open_platform(replace(platform_settings, step_seconds=0.05)) as platform:
        (task_id,) = await platform.queue.submit("bob", ["AAPL"])
        async with asyncio.timeout(10), platform.notifications.listen(progress_channel(task_id)) as messages:
            while (await platform.queue.task("bob", task_id)).status == "pending":
                await anext(messages)
        await platform.queue.cancel("bob", task_id)
        (after,) = await platform.queue.submit("bob", ["MSFT"])
        await _finished(platform, "bob", after)
        assert (await platform.queue.task("bob", task_id)).status == "cancelled"


async def test_an_analysis_that_breaks_is_a_failed_task_and_the_runner_goes_on(parts: Parts) -> None:
    concluded: list[str] = []

    async def conclude(task: Task) -> None:
        if task.symbol == "AAPL":
            raise RuntimeError("no luck")
        concluded.append(task.symbol)

    runner = TaskRunner(parts.store, parts.queue, parts.notifications, parts.clock, conclude, step_seconds=0)
    ids = await parts.queue.submit("bob", ["AAPL", "MSFT"])
    async with asyncio.timeout(5), parts.notifications.listen(notifications_channel("bob")) as messages:
        runner.start()
        kinds = {(await anext(messages))["kind"] for _ in ids}
    await runner.close()
    assert concluded == ["MSFT"]
    assert kinds == {"analysis_complete", "analysis_failed"}
    failed = await parts.queue.task("bob", ids[0])
    assert (failed.status, failed.message) == ("failed", "the analysis failed")


async def test_a_stopped_runner_hands_its_tasks_back(platform_settings: Settings) -> None:
    async with (
        asyncio.timeout(10),
        open_platform(replace(platform_settings, step_seconds=60)) as first,
        first.notifications.listen("queue:bob") as messages,
    ):
        (task_id,) = await first.queue.submit("bob", ["AAPL"])
        while (await anext(messages))["status"] != "running":
            continue
    async with open_platform(platform_settings) as second:
        assert (await _finished(second, "bob", task_id)).status == "completed"


async def test_nothing_is_lost_when_a_process_is_killed(platform_settings: Settings) -> None:
    command = [sys.executable, "-c", DOOMED, platform_settings.store_url, platform_settings.redis_url]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        ids = (await process.stdout.readline()).decode().split()
    finally:
        process.kill()
        await process.communicate()
    assert len(ids) == 6
    much_later = MovedClock(datetime.now(UTC) + timedelta(minutes=5))
    async with open_platform(platform_settings, much_later) as platform:
        finished = [await _finished(platform, "bob", task_id) for task_id in ids]
    assert {task.status for task in finished} == {"completed"}
