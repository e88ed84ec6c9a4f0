"""Continuous load: clients that ask one request after the other and check that each answer is their own."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gateway.core.tasks import cancel_all, spawn
from tests.support.client import RawClient, Received

SERIAL = itertools.count()


class Load:
    """Owns the clients. `lost` says what went wrong, `seconds` how long each answer took, `statuses` what came."""

    def __init__(self, port: int, prefix: str, methods: Sequence[str], *, is_fresh: bool, pause: float) -> None:
        self.port = port
        self.lost: list[str] = []
        self.seconds: list[float] = []
        self.answered: dict[tuple[str, str], int] = {}
        self._prefix = prefix
        self._methods = itertools.cycle(methods)
        self._is_fresh = is_fresh
        self._pause = pause
        self._is_over = False

    def percentile(self, share: float) -> float:
        """Return a percentile of the answers' times, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def end(self) -> None:
        """Let every client finish its request and leave."""
        self._is_over = True

    async def client(self) -> None:
        """Ask until the end. A kept connection that was closed before a byte came is tried again on a fresh one."""
        link: RawClient | None = None
        try:
            while not self._is_over:
                link = await self._turn(link)
                await asyncio.sleep(self._pause)
        finally:
            if link is not None:
                link.leave()

    async def _turn(self, kept: RawClient | None) -> RawClient | None:
        """Ask once, on the kept connection if there is one; returns the connection if it can be kept."""
        method, target = next(self._methods), f"{self._prefix}/{next(SERIAL)}"
        started = time.monotonic()
        link = kept
        try:
            link = kept if kept is not None else await self._connect()
            answer = await self._ask(link, method, target)
        except (OSError, asyncio.IncompleteReadError) as error:
            if link is not None:
                link.leave()
            if kept is None or method not in {"GET", "HEAD", "OPTIONS"}:
                self.lost.append(f"{method} {target}: {error!r} on a {'fresh' if kept is None else 'kept'} connection")
            return None
        self._note(method, target, answer, time.monotonic() - started)
        if self._is_fresh or (answer.get("Connection") or "").lower() == "close":
            link.leave()
            return None
        return link

    async def _connect(self) -> RawClient:
        async with asyncio.timeout(5):
            return RawClient(*await asyncio.open_connection("127.0.0.1", self.port))

    async def _ask(self, link: RawClient, method: str, target: str) -> Received:
        body = b"" if method in {"GET", "HEAD", "OPTIONS", "DELETE"} else b"x" * 20
        closing = "Connection: close\r\n" if self._is_fresh else ""
        head = f"{method} {target} HTTP/1.1\r\nHost: api.test\r\nContent-Length: {len(body)}\r\n{closing}\r\n"
        async with asyncio.timeout(10):
            await link.send(head.encode() + body)
            return await link.answer(to_head=method == "HEAD")

    def _note(self, method: str, target: str, answer: Received, seconds: float) -> None:
        self.seconds.append(seconds)
        self.answered[method, target] = answer.status
        if not answer.is_complete:
            self.lost.append(f"{method} {target}: a cut answer")
        elif answer.status != 200:
            self.lost.append(f"{method} {target}: {answer.status} {answer.body[:200]!r}")
        elif method != "HEAD" and answer.json()["target"] != target:
            self.lost.append(f"{method} {target}: got another's answer {answer.body!r}")


@asynccontextmanager
async def load(
    port: int,
    *,
    clients: int = 6,
    prefix: str = "/api",
    methods: Sequence[str] = ("GET",),
    is_fresh: bool = False,
    pause: float = 0.005,
) -> AsyncIterator[Load]:
    """Keep load going for the length of a block; afterwards its figures are final."""
    running = Load(port, prefix, methods, is_fresh=is_fresh, pause=pause)
    tasks: set[asyncio.Task[Any]] = set()
    ends = [spawn(running.client(), name="a client of the load", owner=tasks) for _ in range(clients)]
    try:
        yield running
        running.end()
        await asyncio.gather(*ends)
    finally:
        await cancel_all(tasks)
