"""`/__faults` and the middleware that applies what was set there: answers fail, wait, or lose their connection.

Owns the HTTP side only; which call is hit is the domain's dice (`Faults.plan`). The path needs no token: it exists for
demonstrations and tests.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, Field

from backends.domain.faults import Faults, FaultSettings
from backends.shell.inputs import body

PATH = "/__faults"

type Answer = Callable[[web.Request, object], web.Response]
type Fail = Callable[[web.Request], web.Response]
type Probability = Annotated[float, Field(ge=0, le=1)]


class FaultsBody(BaseModel):
    """The faults to set; what is left out is off."""

    model_config = ConfigDict(extra="forbid")

    error_rate: Probability = 0.0
    latency_ms: Annotated[float, Field(ge=0, le=60_000)] = 0.0
    drop: Probability = 0.0
    match: str | None = None


def faults_middleware(faults: Faults, fail: Fail) -> Middleware:
    """Applies the faults in force to each call; `fail` is the side's own 500."""

    @web.middleware
    async def apply_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        decision = faults.plan(request.path)
        if decision is None:
            return await handler(request)
        if decision.latency_seconds > 0:
            await asyncio.sleep(decision.latency_seconds)
        if decision.drops:
            return cut(request)
        return fail(request) if decision.fails else await handler(request)

    return apply_faults


def cut(request: web.Request) -> web.Response:
    """Cuts the connection; the response only ends the handler, nothing of it is sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def fault_routes(faults: Faults, answer: Answer) -> list[web.RouteDef]:
    """`/__faults` of one side; `answer` is its envelope of a success."""

    async def show(request: web.Request) -> web.Response:
        return answer(request, asdict(faults.show()))

    async def change(request: web.Request) -> web.Response:
        wanted = await body(request, FaultsBody)
        faults.set(FaultSettings(**wanted.model_dump()))
        return await show(request)

    async def clear(request: web.Request) -> web.Response:
        faults.clear()
        return await show(request)

    return [web.get(PATH, show), web.post(PATH, change), web.delete(PATH, clear)]
