"""Waiting for what happens elsewhere: another process, or a loop that looks now and then."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(is_true: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Ask until the answer is yes; fail the test when it does not come in time."""
    async with asyncio.timeout(seconds):
        while not await is_true():  # noqa: ASYNC110 - it happens where no event can be set
            await asyncio.sleep(0.02)
