"""The only place that creates tasks, so that each has a name, an owner and a logged end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


def spawn[T](work: Coroutine[Any, Any, T], *, name: str, owner: set[asyncio.Task[Any]]) -> asyncio.Task[T]:
    """Start `work` as a task that `owner` holds until it ends; an unexpected end is logged with its traceback."""
    task = asyncio.create_task(work, name=name)  # noqa: TID251 - the one allowed caller
    owner.add(task)
    task.add_done_callback(owner.discard)
    task.add_done_callback(_log_end)
    return task


async def repeat(turn: Callable[[], Awaitable[object]], pause: Callable[[], float]) -> None:
    """Take a turn after each pause (seconds), for ever. One that fails is logged with its traceback, and no more."""
    while True:
        await asyncio.sleep(pause())
        try:
            await turn()
        except Exception:  # whatever it was, what this keeps going must not end silently
            task = asyncio.current_task()
            log.exception("task %s failed, it is tried again", task.get_name() if task is not None else "?")


async def cancel_all(owner: set[asyncio.Task[Any]]) -> None:
    """Cancel every task of `owner` and wait until all have ended."""
    tasks = list(owner)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _log_end(task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        log.debug("task %s cancelled", task.get_name())
        return
    error = task.exception()
    if error is not None:
        log.error("task %s failed: %s", task.get_name(), error, exc_info=error)
    else:
        log.debug("task %s ended", task.get_name())
