"""One issuer's published keys: how old they are, who waits for newer ones, and when they are fetched again."""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.callers.jwks import MalformedKeySetError, read
from gateway.config.snapshot import Key, KeyServer
from gateway.core.clock import Clock

log = logging.getLogger(__name__)

type Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the body of a key server's answer; raises FetchError."""
type Put = Callable[[str, tuple[Key, ...]], None]
"""Takes over keys that have changed."""
type Settle = Callable[[bool], None]
"""Tells one who waits that there is no more to wait for, and whether the server has answered."""

AHEAD: Final = 0.8
"""Keys are fetched again at this share of their age limit, so that a slow answer or a second try is still in time."""
RETRY_SECONDS: Final = 60.0
"""The longest pause between two tries while the server is away; it begins with the cooldown and doubles."""
ABSENT_SECONDS: Final = 30.0
"""For how long a kid that was looked for in vain, or was withdrawn, is not looked for again."""
MAX_ABSENT: Final = 1000
MAX_WAITING: Final = 1000


class FetchError(Exception):
    """A key server that does not answer as it should; the message says how."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One request that waits for a key, since a moment on the monotonic clock."""

    kid: str | None
    since: float
    settle: Settle


class KeySet:
    """Owns the state of one key set. A single task fetches, so there is one fetch at a time, whoever waits.

    `settings` may be replaced; they hold from the next fetch on.
    """

    def __init__(self, settings: KeyServer, fetch: Fetch, put: Put, clock: Clock) -> None:
        self.settings = settings
        self._fetch = fetch
        self._put = put
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._fetched_at: float | None = None
        self._tried_at = -math.inf
        self._failures = 0
        self._absent: OrderedDict[str, float] = OrderedDict()
        self._waiting: dict[Waiting, None] = {}
        self._wanted = asyncio.Event()
        self.tried = asyncio.Event()

    def __repr__(self) -> str:
        return f"<KeySet {self.settings.url}: {len(self._keys)} keys, {self.age:.0f} s, {len(self._waiting)} waiting>"

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

    def known(self, kid: str | None) -> bool | None:
        """Return whether the server has answered, where asking it now would tell nothing new; None where it might."""
        now = self._clock.monotonic()
        if self._fetched_at is not None and (kid is None or self._absent.get(kid, -math.inf) > now):
            return True
        is_resting = self._failures > 0 and now < self._tried_at + self.settings.cooldown
        return False if is_resting or len(self._waiting) >= MAX_WAITING else None

    def wait(self, kid: str | None, settle: Settle) -> Callable[[], None]:
        """Have `settle` called when a fetch has found the key, or could have; returns how to stop waiting."""
        waiting = Waiting(kid, self._clock.monotonic(), settle)
        self._waiting[waiting] = None
        self._wanted.set()
        return lambda: self._waiting.pop(waiting, None)

    async def follow(self) -> None:
        """Keep the keys up to date; never ends."""
        try:
            while True:
                await self._refresh()
                self.tried.set()
                await self._rest()
        finally:
            self._settle_all()

    async def _refresh(self) -> None:
        self._tried_at = started = self._clock.monotonic()
        try:
            keys, complaints = read(await self._fetch(self.settings.url))
        except (FetchError, MalformedKeySetError) as error:
            self._failures += 1
            log.warning("the keys at %s cannot be fetched (%d times now): %s", self.settings.url, self._failures, error)
            self._settle_all()
            return
        for complaint in complaints:
            log.warning("a key at %s is left out: %s", self.settings.url, complaint)
        if self._fetched_at is None or keys != self._keys:
            self._take(keys)
        self._failures = 0
        self._fetched_at = started
        self._settle(started)

    def _take(self, keys: tuple[Key, ...]) -> None:
        before, self._keys = self._keys, keys
        kids = {key.kid for key in keys}
        for key in keys:
            self._absent.pop(key.kid or "", None)
        for key in before:
            if key.kid is not None and key.kid not in kids:
                self._note_absent(key.kid)
        log.info("the keys at %s are now %s", self.settings.url, ", ".join(str(kid) for kid in kids) or "none")
        self._put(self.settings.url, keys)

    def _settle(self, started: float) -> None:
        """Answer those who wanted a key that is there, or who asked before this fetch began: others need another."""
        kids = {key.kid for key in self._keys}
        for waiting in list(self._waiting):
            if waiting.kid is None or waiting.kid in kids or waiting.since <= started:
                del self._waiting[waiting]
                if waiting.kid is not None and waiting.kid not in kids:
                    self._note_absent(waiting.kid)
                waiting.settle(True)
        if not self._waiting:
            self._wanted.clear()

    def _settle_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        self._wanted.clear()
        for one in waiting:
            one.settle(False)

    def _note_absent(self, kid: str) -> None:
        self._absent[kid] = self._clock.monotonic() + ABSENT_SECONDS
        self._absent.move_to_end(kid)
        if len(self._absent) > MAX_ABSENT:
            self._absent.popitem(last=False)

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
