"""The demo's processes: cache, v1, v2, gateway, started in this order and ended in the other."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.cli.demo.child import Child, ChildError
from gateway.core.tasks import cancel_all, spawn

URL = r"(https?://[^\s]+)"
STOP_SECONDS = {"gateway": 3.0, "v1": 3.0, "v2": 3.0, "valkey": 3.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run: where the gateway listens, the file it runs with, the stores, and the two secrets.

    `environ` is what else the file reads of the environment.
    """

    config: Path
    listen: str
    admin_listen: str
    store: str
    gateway_store: str
    redis: str | None
    announced: str
    jwt_secret: str
    admin_token: str
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything answers."""

    public: str
    admin: str
    v1: str
    v2: str
    redis: str


class System:
    """Owns the demo's processes. Leaving the context ends every one of them, also after half a start."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._children: list[Child] = []
        self._exit = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<System {self._children}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def start(self) -> Addresses:
        """Start everything and return where it answers; raises ChildError."""
        plan = self._plan
        redis = plan.redis if plan.redis is not None else await self._cache()
        v1, v2 = await self._backends(redis)
        public, admin = await self._gateway(v1, v2)
        for child in self._children:
            child.echo()
        return Addresses(public, admin, v1, v2, redis)

    async def lost(self) -> ChildError:
        """Wait until one of the processes ends by itself, and return what to say about it."""
        watching: set[asyncio.Task[Any]] = set()
        try:
            watches = [spawn(child.lost(), name=f"watch {child.name}", owner=watching) for child in self._children]
            done, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            await cancel_all(watching)

    async def _cache(self) -> str:
        child = await self._start("valkey", ("gateway.cli.demo.cache",), {})
        return await child.find(r"(redis://[^\s]+)")

    async def _backends(self, redis: str) -> tuple[str, str]:
        """Start both together: their stores are made to be filled by two at once."""
        secret = {"JWT_SECRET": self._plan.jwt_secret}
        stores = ("--store", self._plan.store, "--redis", redis)
        sides = [
            await self._start(side, ("gateway", "backend", side, "--port", "0", *stores), secret)
            for side in ("v1", "v2")
        ]
        v1, v2 = [await side.find(rf"serves {URL}") for side in sides]
        return v1, v2

    async def _gateway(self, v1: str, v2: str) -> tuple[str, str]:
        plan = self._plan
        environ = {
            **plan.environ,
            "JWT_SECRET": plan.jwt_secret,
            "CROSSFADE_ADMIN_TOKEN": plan.admin_token,
            "CROSSFADE_LISTEN": plan.listen,
            "CROSSFADE_ADMIN_LISTEN": plan.admin_listen,
            "CROSSFADE_STORE": plan.gateway_store,
            "CROSSFADE_ANNOUNCED": plan.announced,
            "V1_URL": v1,
            "V2_URL": v2,
        }
        child = await self._start("gateway", ("gateway", "run", "-c", str(plan.config)), environ)
        return await child.find(rf"public endpoint: {URL}"), await child.find(rf"admin listener: {URL}")

    async def _start(self, name: str, arguments: tuple[str, ...], environ: Mapping[str, str]) -> Child:
        child = Child(name, arguments, {**os.environ, **environ})
        self._children.append(child)
        self._exit.push_async_callback(child.stop, STOP_SECONDS[name])
        await child.start()
        return child
