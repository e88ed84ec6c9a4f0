"""A crew of one: the data plane in the process that holds the control plane, with a call in place of the pipe."""

import os
from collections.abc import Sequence

from gateway.callers.key_news import Fetched, Want
from gateway.callers.keys import KeyServers
from gateway.callers.revocation import Revocations
from gateway.config.live import Live
from gateway.core.clock import Clock
from gateway.observability.access_log import AccessLog
from gateway.server.configuration import Loaded
from gateway.server.crew import Member, State, Take
from gateway.server.message import Report
from gateway.server.plane import Plane


class Alone:
    """Owns the data plane of a gateway with one worker. The same rules go in and the same reports come out."""

    def __init__(self, loaded: Loaded, take: Take, access_log: AccessLog, clock: Clock) -> None:
        self.keys = KeyServers(loaded.snapshot.auth, self._publish, clock)
        self._plane = Plane(loaded, access_log, clock, self._want)
        self._take = take
        self._report: Report | None = None
        self._revision = loaded.snapshot.revision
        self._state = State.STARTING

    def __repr__(self) -> str:
        return f"<Alone {self._plane!r}>"

    @property
    def port(self) -> int:
        """The public port."""
        return self._plane.listener.port

    @property
    def is_draining(self) -> bool:
        """Whether it only finishes what is open."""
        return self._plane.is_draining

    @property
    def in_reserve(self) -> int:
        """Nobody: the process is the gateway."""
        return 0

    @property
    def revocations(self) -> Revocations:
        """The plane's own."""
        return self._plane.revocations

    def members(self) -> Sequence[Member]:
        """Return this process."""
        state = State.DRAINING if self.is_draining else self._state
        return [Member(state, os.getpid(), self._revision, 0, self._report)]

    async def start(self, loaded: Loaded) -> None:
        """Serve; raises OSError when the address is taken, ssl.SSLError for a bad certificate."""
        await self.keys.start()
        # What the book says was read since the plane was built.
        self._plane.turn(loaded.snapshot.live)
        await self._plane.start(loaded.config.server.listen)
        self._state = State.SERVING

    async def apply(self, loaded: Loaded) -> list[str]:
        """Replace the rules, between two requests: nothing here waits, and nothing can fail."""
        self.keys.apply(loaded.snapshot.auth)
        self._plane.apply(loaded)
        self._revision = loaded.snapshot.revision
        return []

    async def turn(self, live: Live) -> list[str]:
        """Replace the live values, between two requests."""
        self._plane.turn(live)
        return []

    async def refresh(self) -> None:
        """Take the plane's report."""
        self._report = self._plane.report()
        self._take(self._report.delta)

    async def drain(self) -> None:
        """Refuse new connections and wait for the open requests."""
        await self._plane.drain()

    async def close(self) -> None:
        """Cut what is open, and take what was counted last."""
        await self._plane.close()
        await self.keys.close()
        self._take(self._plane.report(is_last=True).delta)

    def _want(self, want: Want) -> None:
        self.keys.hear(want, self._publish)

    def _publish(self, news: Fetched) -> None:
        self._plane.keys.take(news)
