"""The backends' only place that creates tasks, so that each has a name, an owner and a logged end."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


def spawn[T](work: Coroutine[Any, Any, T], *, name: str, owner: set[asyncio.Task[Any]]) -> asyncio.Task[T]:
    """Starts `work` as a task that `owner` holds until it ends; an unexpected end is logged with its traceback."""
    task = asyncio.create_task(work, name=name)  # noqa: TID251 - the one allowed caller
    owner.add(task)
    task.add_done_callback(owner.discard)
    task.add_done_callback(_log_end)
    return task


async def cancel_all(owner: set[asyncio.Task[Any]]) -> None:
    """Cancels every task of `owner` and waits until all have ended."""
    tasks = list(owner)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _log_end(task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        logger.debug("task %s cancelled", task.get_name())
        return
    error = task.exception()
    if error is not None:
        logger.error("task %s failed: %s", task.get_name(), error, exc_info=error)
    else:
        logger.debug("task %s ended", task.get_name())
