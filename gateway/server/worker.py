"""One worker process: the public listener, the upstreams' pools and health checks, the counters.

Started by the supervisor with the number of its end of the pipe; waits for `Begin`, then serves until it is told to
end. A closed pipe means that the supervisor has gone: the worker finishes what is open and ends, so none is left over.
"""

import asyncio
import logging
import signal
import socket
import sys
from typing import Any, assert_never

import uvloop

from gateway.callers.key_news import Fetched
from gateway.config.expressions import ExpressionError
from gateway.config.keys import KeyFaultError
from gateway.config.live import Live
from gateway.core.clock import SystemClock
from gateway.core.garbage import freeze
from gateway.core.tasks import cancel_all, spawn
from gateway.core.threads import switch_soon
from gateway.observability.access_log import AccessLog
from gateway.server import relay
from gateway.server.message import (
    Answer,
    Applied,
    Apply,
    Ask,
    Awake,
    Begin,
    Drain,
    Failed,
    Learn,
    Lesson,
    Message,
    Question,
    Rules,
    Stop,
    Turn,
)
from gateway.server.pipe import Pipe
from gateway.server.plane import Plane

log = logging.getLogger(__name__)


class Worker:
    """Owns the data plane of this process. It never reads the configuration's file and never starts a process.

    Orders are followed one after the other, but for the end. SIGTERM and SIGINT drain it; who takes its place is the
    supervisor's affair.
    """

    def __init__(self) -> None:
        self._pipe = Pipe(self._receive)
        self._orders: asyncio.Queue[tuple[int, Question]] = asyncio.Queue()
        self._plane: Plane | None = None
        self._early: list[Lesson] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._drain = asyncio.Event()
        self._stop = asyncio.Event()
        self._code = 0

    def __repr__(self) -> str:
        return f"<Worker {self._plane}, {self._pipe}>"

    async def run(self, end: socket.socket) -> int:
        """Follow orders until the end and return the exit code."""
        self._install()
        await self._pipe.open(end)
        self._pipe.send(Awake())
        self._pipe.lost.add_done_callback(lambda _lost: self._drain.set())
        spawn(self._follow(), name="follow orders", owner=self._tasks).add_done_callback(self._give_up)
        spawn(self._drain_then_stop(), name="drain", owner=self._tasks)
        await self._stop.wait()
        await cancel_all(self._tasks)
        if self._plane is not None:
            await self._plane.close()
            self._pipe.send(self._plane.report(is_last=True))
        await self._pipe.close()
        return self._code

    def _install(self) -> None:
        """Log through the supervisor, and listen to signals that are meant for this worker alone."""
        logging.getLogger().addHandler(relay.Relay(self._pipe))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._drain.set)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _receive(self, number: int, message: Message) -> None:
        match message:
            case Begin() | Apply() | Turn() | Ask():
                self._orders.put_nowait((number, message))
            case Learn() | Fetched():
                self._learn(message)
            case Drain():
                self._drain.set()
            case Stop():
                self._stop.set()
            case _:
                log.error("no order: %r", message)

    async def _follow(self) -> None:
        while True:
            number, order = await self._orders.get()
            answer = await self._obey(order)
            self._pipe.send(answer, number)
            if isinstance(answer, Failed) and self._plane is None:
                self._code = 1
                self._stop.set()

    def _give_up(self, following: asyncio.Task[None]) -> None:
        """End when an order could not be followed by our own fault: somebody new is better than one who is deaf."""
        if not following.cancelled():
            self._code = 1
            self._drain.set()

    async def _obey(self, order: Question) -> Answer:
        match order:
            case Begin():
                return await self._begin(order)
            case Apply():
                return await self._apply(order.rules)
            case Turn():
                return self._turn(order.live)
            case Ask():
                return self._serving.report()
            case _:
                assert_never(order)

    async def _begin(self, order: Begin) -> Answer:
        relay.follow(order.levels)
        try:
            loaded = await asyncio.to_thread(order.rules.compile)
            plane = Plane(loaded, AccessLog(), SystemClock(), self._pipe.send)
            for lesson in (Learn(order.revoked), *order.keys, *self._early):
                _teach(plane, lesson)
            try:
                await plane.start(order.listen)
            except BaseException:
                await plane.close()
                raise
        except (OSError, KeyFaultError, ExpressionError) as error:
            return Failed(str(error))
        self._plane = plane
        for lesson in self._early:  # what came while it started
            _teach(plane, lesson)
        self._early.clear()
        freeze()
        return Applied(order.rules.revision)

    def _learn(self, lesson: Lesson) -> None:
        """Hold to what is told, also to what comes while there is nobody yet to do so."""
        if self._plane is None:
            self._early.append(lesson)
        else:
            _teach(self._plane, lesson)

    async def _apply(self, rules: Rules) -> Answer:
        """Compile beside the loop; the swap itself is between two requests."""
        try:
            loaded = await asyncio.to_thread(rules.compile)
        except (KeyFaultError, ExpressionError) as error:
            return Failed(str(error))
        self._serving.apply(loaded)
        return Applied(rules.revision)

    def _turn(self, live: Live) -> Answer:
        self._serving.turn(live)
        return Applied(self._serving.snapshot.revision)

    async def _drain_then_stop(self) -> None:
        await self._drain.wait()
        try:
            if self._plane is not None:
                await self._plane.drain()
        finally:
            self._stop.set()

    @property
    def _serving(self) -> Plane:
        if self._plane is None:
            raise RuntimeError("an order before Begin")
        return self._plane


def _teach(plane: Plane, lesson: Lesson) -> None:
    match lesson:
        case Learn(revoked=revoked):
            plane.revocations.take(revoked)
        case Fetched():
            plane.keys.take(lesson)
        case _:
            assert_never(lesson)


async def work(descriptor: int) -> int:
    """Work at the end of the pipe that has this number, and return the exit code."""
    switch_soon()
    return await Worker().run(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    sys.exit(uvloop.run(work(int(sys.argv[1]))))
