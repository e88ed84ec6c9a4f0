"""One worker's place: filled, and filled again when the worker in it has died."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

from gateway.callers.key_news import Fetched, Want
from gateway.server.child import Child, GoneError, describe
from gateway.server.crew import Member, State, Take
from gateway.server.message import Applied, Apply, Ask, Begin, Drain, Failed, Lesson, Report, Stop, Turn
from gateway.server.patience import Patience
from gateway.server.reserve import Reserve

log = logging.getLogger(__name__)

SETTLED_SECONDS: Final = 1.0
"""Who dies sooner after its start has died of the start."""
BEGIN_SECONDS: Final = 60.0
APPLY_SECONDS: Final = 10.0
TURN_SECONDS: Final = 0.5
"""Live values need no compiling: who has not taken them by then has other troubles, and takes them when those end."""
ASK_SECONDS: Final = 0.5
HUNG_SECONDS: Final = 30
"""Who has not answered for so long does not come back, and the kernel gives it connections all the while."""

type Look = Callable[[Want, Callable[[Fetched], None]], None]
"""Who is asked for keys, and given who tells the asker alone."""


class Post:
    """Owns the worker in one place and the count of those that have died in it.

    A worker that served is replaced at once; attempts that fail one after the other are made less and less often. One
    that hangs is killed.
    """

    def __init__(self, reserve: Reserve, begin: Callable[[], Begin], take: Take, look: Look) -> None:
        self._reserve = reserve
        self._begin = begin
        self._take = take
        self._look = look
        self._patience = Patience()
        self._child: Child | None = None
        self._report: Report | None = None
        self._revision: int | None = None
        self._restarts = 0
        self._since = 0.0
        self._silence: asyncio.TimerHandle | None = None
        self.state = State.STARTING

    def __repr__(self) -> str:
        return f"<Post {self.state}: {self._child}, {self._restarts} restarts>"

    def member(self) -> Member:
        """Describe it as it is now."""
        pid = self._child.pid if self._child is not None else None
        return Member(self.state, pid, self._revision, self._restarts, self._report)

    async def fill(self) -> None:
        """Put a worker here and wait until it serves; raises OSError with its reason when it cannot."""
        child = await self._reserve.take()
        if self._is_leaving:
            child.kill()
            raise GoneError("nobody is needed any more")
        self._child = child
        child.hear = self._hear
        child.want = lambda want: self._look(want, child.tell)
        began = self._begin()
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                answer = await child.ask(began)
        except TimeoutError:
            child.kill()
            raise GoneError(f"worker {child.pid} has not begun to serve for {BEGIN_SECONDS:g} s") from None
        if isinstance(answer, Failed):
            raise OSError(answer.reason)
        self._revision = began.rules.revision
        self._since = monotonic()
        if self.state is State.STARTING:
            self.state = State.SERVING

    async def keep(self) -> None:
        """Replace the worker whenever it ends; returns when it ends after `drain` or `stop`."""
        while True:
            child = self._child
            if child is not None:
                code = await child.ended()
                self._end_silence()
                self._report = self._revision = self._child = None
                if not self._is_leaving:
                    self._note_loss(child.pid, describe(code))
            if self._is_leaving:
                return
            await asyncio.sleep(self._patience.seconds)
            await self._refill()

    async def order(self, order: Apply | Turn) -> str | None:
        """Replace the worker's rules or live values; return why that could not be.

        A worker that is yet to start has them anyway.
        """
        child = self._child
        if child is None:
            return None
        seconds = APPLY_SECONDS if isinstance(order, Apply) else TURN_SECONDS * (not self._is_silent)
        try:
            async with asyncio.timeout(seconds):
                answer = await child.ask(order)
        except TimeoutError:
            return f"worker {child.pid} has not answered; it does as it is told when it goes on"
        except GoneError:
            return None
        if isinstance(answer, Applied):
            self._revision = answer.revision
            return None
        reason = answer.reason if isinstance(answer, Failed) else f"answered {answer!r}"
        return f"worker {child.pid}: {reason}"

    async def refresh(self) -> None:
        """Ask for a report. One that has not answered in time is asked again when the answer has come after all."""
        child = self._child
        if child is None or self._is_silent or self.state is State.STARTING:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await child.ask(Ask())
        except TimeoutError:
            if child is self._child and not self._is_silent:
                log.warning("worker %d does not answer; it has %d s more", child.pid, HUNG_SECONDS)
                self._lose_patience(child, HUNG_SECONDS)
        except GoneError:
            log.debug("worker %d has ended", child.pid)

    def teach(self, lesson: Lesson) -> None:
        """Tell the worker what all must know; one that is yet to begin will hear it all."""
        if self._child is not None:
            self._child.tell(lesson)

    def drain(self) -> None:
        """Have the worker finish what is open and end."""
        self.state = State.DRAINING
        if self._child is not None:
            self._child.tell(Drain())

    def stop(self) -> None:
        """Have the worker end at once."""
        self.state = State.DRAINING
        if self._child is not None:
            self._child.tell(Stop())

    async def gone(self) -> None:
        """Wait until nobody is here; only after `drain` or `stop` does it stay so."""
        if self._child is not None:
            await self._child.ended()

    def kill(self) -> None:
        """End the worker whatever it does."""
        if self._child is not None:
            self._child.kill()

    @property
    def _is_leaving(self) -> bool:
        return self.state is State.DRAINING

    @property
    def _is_silent(self) -> bool:
        return self._silence is not None

    def _hear(self, report: Report) -> None:
        self._end_silence()
        self._report = report
        self._take(report.delta)

    def _lose_patience(self, child: Child, seconds: int) -> None:
        """Kill who stays silent. Counted in seconds that passed here, too: a machine that slept has lost nobody."""
        if seconds > 0:
            self._silence = asyncio.get_running_loop().call_later(1.0, self._lose_patience, child, seconds - 1)
            return
        log.error("worker %d hangs: it is killed", child.pid)
        child.kill()

    def _end_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _note_loss(self, pid: int, how: str) -> None:
        self._restarts += 1
        if self.state is State.SERVING and monotonic() - self._since >= SETTLED_SECONDS:
            self._patience.note_success()
        else:
            self._patience.note_failure()
        self.state = State.AWAITED
        log.error("worker %d %s; it is replaced%s", pid, how, _in(self._patience.seconds))

    async def _refill(self) -> None:
        """Try once; a worker that cannot serve ends by itself, and `keep` sees that."""
        began = monotonic()
        if self._is_leaving:
            return
        self.state = State.STARTING
        try:
            await self.fill()
        except OSError as error:
            log.error("no worker takes the place: %s", error)
            if self._child is None:
                self._patience.note_failure()
            return
        pid = self._child.pid if self._child is not None else 0
        log.warning("worker %d serves in its place after %.3f s", pid, monotonic() - began)


def _in(seconds: float) -> str:
    return f" in {seconds:g} s" if seconds else ""
