"""`/health`: that this process serves. The store and Redis are not asked, a side without them still answers."""

import time
from typing import Literal

from backends.v2.endpoint import Access, Area, Call, Endpoint, NoInput
from backends.v2.shape import Output

VERSION = "2.0.0"


class Health(Output):
    """That the process serves, and since when."""

    status: Literal["ok"]
    version: str
    uptime_seconds: float


def health_area() -> Area:
    """The endpoint `/health`."""
    started = time.monotonic()

    async def health(call: Call[NoInput]) -> Health:
        return Health(status="ok", version=VERSION, uptime_seconds=round(time.monotonic() - started, 3))

    endpoint = Endpoint(
        method="GET",
        path="/health",
        summary="Whether this process serves",
        reads=NoInput,
        answers=Health,
        handle=health,
        access=Access.PUBLIC,
    )
    return Area("health", "Whether v2 serves", (endpoint,))
