"""Several worker processes on one public port: started, told what the rules are, replaced when they die.

The supervisor serves no request and holds no client's connection. Nothing here decides about traffic.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from gateway.callers.keys import KeyServers
from gateway.callers.revocation import Revocations
from gateway.config.live import Live
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, spawn
from gateway.policy.auth import TokenCache
from gateway.server import relay
from gateway.server.configuration import Loaded, held
from gateway.server.crew import Member, Take
from gateway.server.message import Apply, Begin, Learn, Lesson, Rules, Turn
from gateway.server.post import Post
from gateway.server.reservation import Reservation
from gateway.server.reserve import Reserve

log = logging.getLogger(__name__)

LAST_WORDS_SECONDS: Final = 2.0
"""How long past its time a worker may take to end before it is killed."""


class Supervisor:
    """A crew of processes. It owns their places, the one in reserve and the public address."""

    def __init__(self, loaded: Loaded, take: Take, clock: Clock) -> None:
        self._started_with = loaded.config
        self._rules = Rules.of(loaded)
        self._reserve = Reserve()
        self._reservation: Reservation | None = None
        self.keys = KeyServers(loaded.snapshot.auth, self._teach, clock)
        size = loaded.config.server.workers
        self._posts = [Post(self._reserve, self._begin, take, self.keys.hear) for _ in range(size)]
        self._keeping: set[asyncio.Task[Any]] = set()
        self.is_draining = False
        self.revocations = Revocations(TokenCache(), clock, loaded.config, lambda revoked: self._teach(Learn(revoked)))

    def __repr__(self) -> str:
        return f"<Supervisor {self._posts}, {self._reserve}>"

    @property
    def port(self) -> int:
        """The public port, the same for every worker."""
        return self._held.listen.port

    @property
    def in_reserve(self) -> int:
        """Whether somebody could take a dead worker's place at once."""
        return self._reserve.ready

    def members(self) -> Sequence[Member]:
        """Return every worker."""
        return [post.member() for post in self._posts]

    async def start(self, loaded: Loaded) -> None:
        """Hold the address, start every worker, and keep their places filled; raises OSError when one cannot serve."""
        # Made anew: the live values have been read since.
        self._rules = replace(Rules.of(loaded), config=held(loaded.config, self._started_with))
        self._reservation = await Reservation.of(loaded.config.server.listen)
        await asyncio.gather(self.revocations.start(), self.keys.start())
        _raise_first(await asyncio.gather(*(post.fill() for post in self._posts), return_exceptions=True))
        for number, post in enumerate(self._posts, 1):
            spawn(post.keep(), name=f"keep worker {number}", owner=self._keeping)
        self._reserve.start()

    async def apply(self, loaded: Loaded) -> list[str]:
        """Hand the rules over whole; return what those workers say who could not apply them."""
        self._rules = replace(Rules.of(loaded), config=held(loaded.config, self._started_with))
        self.revocations.apply(loaded.config)
        self.keys.apply(loaded.snapshot.auth)
        return await self._order(Apply(self._rules))

    async def turn(self, live: Live) -> list[str]:
        """Hand the live values over; return what those workers say who could not apply them."""
        self._rules = replace(self._rules, live=live)
        return await self._order(Turn(live))

    async def refresh(self) -> None:
        """Ask every worker for a report."""
        await asyncio.gather(*(post.refresh() for post in self._posts))

    async def drain(self) -> None:
        """Have the workers finish what is open, and wait for them."""
        self.is_draining = True
        await self._reserve.close()
        self._held.close()
        for post in self._posts:
            post.drain()
        await self._until_gone(self._rules.config.server.drain + LAST_WORDS_SECONDS)

    async def close(self) -> None:
        """End whoever is still there."""
        self.is_draining = True
        await self._reserve.close()
        for post in self._posts:
            post.stop()
        await self._until_gone(LAST_WORDS_SECONDS)
        for post in self._posts:
            post.kill()
        await self._until_gone(LAST_WORDS_SECONDS)
        await cancel_all(self._keeping)
        await self.revocations.close()
        await self.keys.close()
        if self._reservation is not None:
            self._reservation.close()

    @property
    def _held(self) -> Reservation:
        if self._reservation is None:
            raise RuntimeError("the workers have not been started")
        return self._reservation

    def _begin(self) -> Begin:
        """Return what a worker needs to serve, by the rules of this moment."""
        return Begin(self._rules, self._held.listen, relay.levels(), self.revocations.known(), self.keys.known())

    async def _order(self, order: Apply | Turn) -> list[str]:
        answers = await asyncio.gather(*(post.order(order) for post in self._posts))
        return [complaint for complaint in answers if complaint is not None]

    def _teach(self, lesson: Lesson) -> None:
        """Tell the workers. What is revoked they hear from Redis, too, but that may be away."""
        for post in self._posts:
            post.teach(lesson)

    async def _until_gone(self, seconds: float) -> None:
        """Wait until every worker has ended, at most so long."""
        endings = [post.gone() for post in self._posts]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*endings)
        except TimeoutError:
            late = [member.pid for member in self.members() if member.pid is not None]
            log.warning("workers %s have not ended in time", late)


def _raise_first(outcomes: Iterable[BaseException | None]) -> None:
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
