"""One worker process, as the supervisor holds it: its pipe, its answers, its end."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

from gateway.callers.key_news import Want
from gateway.core.tasks import spawn
from gateway.server import relay
from gateway.server.message import (
    Answer,
    Applied,
    Awake,
    Drain,
    Failed,
    Lesson,
    Logged,
    Message,
    Question,
    Report,
    Stop,
)
from gateway.server.pipe import Pipe

log = logging.getLogger(__name__)

MODULE: Final = "gateway.server.worker"

type Hear = Callable[[Report], None]


class GoneError(OSError):
    """The worker has ended before it answered."""


class Child:
    """Owns the process from its start to its end; it never starts another one.

    `end` is done with the exit code (negative: the signal's number) when the process and all it sent are at their end;
    wait for it with `ended`, which never cancels it. `hear` is given every report, asked for or not, and `want`
    every question for keys; `is_awake` is true once all modules are loaded.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pipe = Pipe(self._receive)
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.hear: Hear = _nobody
        self.want: Callable[[Want], None] = _nobody
        self.is_awake = False
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<Child {self.pid}{', ended' if self.end.done() else ''}>"

    @classmethod
    async def start(cls) -> Self:
        """Start the interpreter anew: a process that runs a loop must not be forked. It waits for `Begin`.

        It looks for modules where we found ours; a session of its own keeps the terminal's Ctrl-C for the supervisor.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child = cls(await _started(theirs.fileno()))
            await child._pipe.open(ours)
        except BaseException:
            ours.close()  # a process that was started nevertheless sees that, and ends
            raise
        spawn(child._watch(), name=f"watch worker {child.pid}", owner=child._tasks)
        return child

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    async def ask(self, order: Question) -> Answer:
        """Give an order and wait for its answer; raises GoneError when the worker ends instead."""
        if self.end.done():
            raise GoneError(f"worker {self.pid} has ended")
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._pipe.send(order, number)
        try:
            return await answer
        finally:
            del self._asked[number]

    def tell(self, order: Lesson | Drain | Stop) -> None:
        """Give an order that is not answered."""
        self._pipe.send(order)

    async def ended(self) -> int:
        """Wait for the end and return the exit code."""
        await asyncio.wait([self.end])
        return self.end.result()

    def kill(self) -> None:
        """End it whatever it does."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def _receive(self, number: int, message: Message) -> None:
        match message:
            case Logged():
                relay.write(message, self.pid)
            case Awake():
                self.is_awake = True
            case Report():
                self.hear(message)
                self._answer(number, message)
            case Want():
                self.want(message)
            case Applied() | Failed():
                self._answer(number, message)
            case _:
                log.error("no news from worker %d: %r", self.pid, message)

    def _answer(self, number: int, answer: Answer) -> None:
        asked = self._asked.get(number)
        if asked is not None and not asked.done():
            asked.set_result(answer)

    async def _watch(self) -> None:
        """Wait for the process's end and for the last it sent."""
        code = await self._process.wait()
        await self._pipe.lost
        self.end.set_result(code)
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(GoneError(f"worker {self.pid} {describe(code)} before it answered"))


async def _started(descriptor: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", MODULE, str(descriptor)),
        stdin=asyncio.subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(place or str(Path.cwd()) for place in sys.path)},
        start_new_session=True,
    )


def describe(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _nobody(_news: Report | Want) -> None:
    """Hear nothing: a worker that has no place yet has nothing to say."""
