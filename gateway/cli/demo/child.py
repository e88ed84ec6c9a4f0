"""One process of the demo: started, watched, and never left behind."""

import asyncio
import ctypes
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import click

from gateway.core.tasks import cancel_all, spawn

READY_SECONDS = 45.0
LAST_LINES = 20
PR_SET_PDEATHSIG = 1
"""From linux/prctl.h: the signal that a process gets when the one that started it dies."""


class ChildError(Exception):
    """A process did not come up, or ended by itself; the message says which, why, and its last log lines."""


class Child:
    """Owns one `python -m …` process and the last lines of its log. It never starts it again.

    The process has a session of its own, so that Ctrl-C reaches the demo alone, which then ends things in their order;
    where the demo is killed, Linux ends the process too.
    """

    def __init__(self, name: str, arguments: tuple[str, ...], environ: Mapping[str, str]) -> None:
        self.name = name
        self._arguments = arguments
        self._environ = environ
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._news = asyncio.Condition()
        self._is_over = False
        self._is_echoed = False
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        pid = self._process.pid if self._process is not None else "not started"
        return f"<Child {self.name}: {pid}>"

    async def start(self) -> None:
        """Start the process."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self._arguments,
            env=dict(self._environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
            start_new_session=True,
            preexec_fn=_dying_with(os.getpid()),
        )
        spawn(self._read(self._process), name=f"log of {self.name}", owner=self._tasks)

    async def find(self, pattern: str) -> str:
        """Return the pattern's first group as soon as the log has it; raises ChildError when it never will."""
        try:
            async with asyncio.timeout(READY_SECONDS), self._news:
                while (found := self._search(pattern)) is None:
                    if self._is_over:
                        raise self._ended()
                    await self._news.wait()
        except TimeoutError:
            raise ChildError(f"{self.name} was not ready after {READY_SECONDS:g} s.{self._last_words()}") from None
        return found

    def echo(self) -> None:
        """From now on, show on standard error what the process logs."""
        self._is_echoed = True

    async def lost(self) -> ChildError:
        """Wait until the process ends by itself, and return what to say about it."""
        async with self._news:
            await self._news.wait_for(lambda: self._is_over)
        return self._ended()

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, then ask once more, then end it; safe to repeat."""
        process = self._process
        self._is_echoed = False
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if process.returncode is not None or await self._ends_after(process, number, seconds / 2):
                break
        await cancel_all(self._tasks)

    async def _ends_after(self, process: asyncio.subprocess.Process, number: signal.Signals, seconds: float) -> bool:
        process.send_signal(number)
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            return False
        return True

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - asked for in start()
        async for line in process.stderr:
            await self._note(line.decode(errors="replace").rstrip())
        await process.wait()
        async with self._news:
            self._is_over = True
            self._news.notify_all()

    async def _note(self, line: str) -> None:
        self._lines.append(line)
        if self._is_echoed:
            click.echo(f"{self.name} │ {line}", err=True)
        async with self._news:
            self._news.notify_all()

    def _search(self, pattern: str) -> str | None:
        for line in self._lines:
            if found := re.search(pattern, line):
                return found[1]
        return None

    def _ended(self) -> ChildError:
        code = self._process.returncode if self._process is not None else None
        how = (
            f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with code {code}"
        )
        return ChildError(f"{self.name} {how}.{self._last_words()}")

    def _last_words(self) -> str:
        if not self._lines:
            return " It logged nothing."
        return "\nIts last log lines:\n" + "\n".join(f"  {line}" for line in self._lines)


def _dying_with(parent: int) -> Callable[[], None] | None:
    """Return what a child runs before its program, so that it gets SIGTERM when `parent` dies; Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before this line
            os._exit(1)

    return prepare
