"""One key server, followed: asked before its last answer grows old, and when somebody waits for a newer one."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final

from gateway.callers.jwks import MalformedKeySetError, read
from gateway.callers.key_news import Fetched, Want
from gateway.config.issuer import Key, KeyServer
from gateway.core.clock import Clock

log = logging.getLogger(__name__)

type Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the body of a key server's answer; raises FetchError."""
type Publish = Callable[[Fetched], None]
"""Tells those who verify tokens."""

AHEAD: Final = 0.8
"""Keys are fetched again at this share of their age limit, so that a slow answer or a second try is still in time."""
RETRY_SECONDS: Final = 60.0
"""The longest pause between two tries while the server is away; it begins with the cooldown and doubles."""


class FetchError(Exception):
    """A key server that does not answer as it should; the message says how."""


class KeyWatch:
    """Owns when one server is asked. A single task fetches, so there is one fetch at a time, whoever waits.

    Every attempt is published, good or not, with a number of its own from `numbers`. `settings` may be replaced; they
    hold from the next fetch on. `tried` is set after the first attempt.
    """

    def __init__(
        self, settings: KeyServer, fetch: Fetch, publish: Publish, clock: Clock, numbers: Iterator[int]
    ) -> None:
        self.settings = settings
        self._fetch = fetch
        self._publish = publish
        self._clock = clock
        self._numbers = numbers
        self._keys: tuple[Key, ...] = ()
        self._raw: bytes | None = None
        self._fetched_at: float | None = None
        self._tried_at = -math.inf
        self._failures = 0
        self._wanted = asyncio.Event()
        self.last: Fetched | None = None
        self.tried = asyncio.Event()

    def __repr__(self) -> str:
        return f"<KeyWatch {self.settings.url}: {len(self._keys)} keys, {self.age:.0f} s>"

    @property
    def age(self) -> float:
        """How many seconds ago the server last said what its keys are; infinite when it never has."""
        return self._clock.monotonic() - self._fetched_at if self._fetched_at is not None else math.inf

    @property
    def is_up(self) -> bool:
        """Whether the last fetch succeeded."""
        return self._fetched_at is not None and self._failures == 0

    @property
    def count(self) -> int:
        """How many keys can be used."""
        return len(self._keys)

    def want(self, want: Want) -> Fetched | None:
        """Return what the asker has not seen; where there is nothing newer, have it fetched and return None."""
        if self.last is not None and self.last.number > want.seen:
            return self.last
        self._wanted.set()
        return None

    async def follow(self) -> None:
        """Keep the keys up to date; never ends."""
        while True:
            await self._refresh()
            self.tried.set()
            await self._rest()

    async def _refresh(self) -> None:
        self._tried_at = self._clock.monotonic()
        try:
            raw = await self._fetch(self.settings.url)
            keys, complaints = read(raw)
        except (FetchError, MalformedKeySetError) as error:
            self._failures += 1
            log.warning("the keys at %s cannot be fetched (%d times now): %s", self.settings.url, self._failures, error)
        else:
            self._failures = 0
            self._take(raw, keys, complaints)
        # Whoever asked during this fetch, and is not helped by it, asks again.
        self._wanted.clear()
        is_good = self._failures == 0
        self.last = Fetched(self.settings.url, next(self._numbers), self._tried_at, self._raw, is_good)
        self._publish(self.last)

    def _take(self, raw: bytes, keys: tuple[Key, ...], complaints: list[str]) -> None:
        for complaint in complaints:
            log.warning("a key at %s is left out: %s", self.settings.url, complaint)
        if self._fetched_at is None or keys != self._keys:
            names = ", ".join(str(key.kid) for key in keys)
            log.info("the keys at %s are now %s", self.settings.url, names or "none")
        self._raw, self._keys = raw, keys
        self._fetched_at = self._tried_at

    async def _rest(self) -> None:
        """Return when it is time for the next fetch: when the keys age, or somebody waits and the cooldown is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause()):
                await self._wanted.wait()
        cooling = self._tried_at + self.settings.cooldown - self._clock.monotonic()
        if cooling > 0:
            await asyncio.sleep(cooling)

    def _pause(self) -> float:
        usual = self.settings.refresh * AHEAD
        if self._failures == 0:
            return usual
        return min(usual, RETRY_SECONDS, self.settings.cooldown * 2.0 ** min(self._failures - 1, 16))
