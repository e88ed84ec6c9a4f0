"""Waiting for something that is cheap to look at."""

import asyncio
import time
from collections.abc import Callable


async def soon(is_true: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait until something is true, and return whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
