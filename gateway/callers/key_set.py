"""One issuer's published keys as a data plane has them: what is known, and who waits for newer ones."""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.callers.jwks import read
from gateway.callers.key_news import Fetched, Want
from gateway.config.issuer import Key, KeyServer
from gateway.core.clock import Clock

log = logging.getLogger(__name__)

type Put = Callable[[str, tuple[Key, ...]], None]
"""Takes over keys that have changed."""
type Settle = Callable[[bool], None]
"""Tells one who waits that there is no more to wait for, and whether the server has answered."""

ABSENT_SECONDS: Final = 30.0
"""For how long a kid that was looked for in vain, or was withdrawn, is not looked for again."""
MAX_ABSENT: Final = 1000
MAX_WAITING: Final = 1000
PATIENCE_SECONDS: Final = 7.0
"""How long one waits beside two cooldowns: a fetch that began too early, one more, and a moment for who fetches."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One request that waits for a key, since a moment on the monotonic clock."""

    kid: str | None
    since: float
    settle: Settle


class KeySet:
    """Owns the keys of one server and the requests that wait for them. It fetches nothing: it asks by `want`.

    Asked is once for all who wait, and again when an attempt that began too early has not helped them. Who fetches and
    does not answer is not waited for longer than a fetch may take.
    """

    def __init__(self, settings: KeyServer, want: Callable[[Want], None], put: Put, clock: Clock) -> None:
        self.settings = settings
        self._want = want
        self._put = put
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._last: Fetched | None = None
        self._raw: bytes | None = None
        self._absent: OrderedDict[str, float] = OrderedDict()
        self._waiting: dict[Waiting, None] = {}
        self._is_asked = False
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<KeySet {self.settings.url}: {len(self._keys)} keys, {len(self._waiting)} waiting>"

    def known(self, kid: str | None) -> bool | None:
        """Return whether the server has answered, where asking it now would tell nothing new; None where it might."""
        now = self._clock.monotonic()
        if self._raw is not None and (kid is None or self._absent.get(kid, -math.inf) > now):
            return True
        last = self._last
        is_resting = last is not None and not last.is_good and now < last.started + self.settings.cooldown
        return False if is_resting or len(self._waiting) >= MAX_WAITING else None

    def wait(self, kid: str | None, settle: Settle) -> Callable[[], None]:
        """Have `settle` called when a fetch has found the key, or could have; returns how to stop waiting."""
        waiting = Waiting(kid, self._clock.monotonic(), settle)
        self._waiting[waiting] = None
        if not self._is_asked:
            self.ask()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._expire)
        return lambda: self._waiting.pop(waiting, None)

    def ask(self) -> None:
        """Ask for what is newer than the last answer."""
        self._is_asked = True
        self._want(Want(self.settings.url, self._last.number if self._last is not None else 0))

    def take(self, news: Fetched) -> None:
        """Hold to what was fetched, and answer those who waited for it. What is older than the last news is not new."""
        if self._last is not None and news.number <= self._last.number:
            return
        self._last = news
        self._is_asked = False
        if news.raw is not None and news.raw != self._raw:
            self._read(news.raw)
        if not news.is_good:
            self.settle_all()
            return
        self._settle(news.started)
        if self._waiting:
            self.ask()

    def settle_all(self) -> None:
        """Tell everybody that nothing can be known."""
        waiting, self._waiting = self._waiting, {}
        for one in waiting:
            one.settle(False)

    def close(self) -> None:
        """Let nobody wait any more."""
        if self._timer is not None:
            self._timer.cancel()
        self.settle_all()

    def _read(self, raw: bytes) -> None:
        is_first, before = self._raw is None, self._keys
        self._raw = raw
        self._keys, _ = read(raw)
        kids = {key.kid for key in self._keys}
        for key in self._keys:
            self._absent.pop(key.kid or "", None)
        for key in before:
            if key.kid is not None and key.kid not in kids:
                self._note_absent(key.kid)
        if is_first or before != self._keys:
            self._put(self.settings.url, self._keys)

    def _settle(self, started: float) -> None:
        """Answer those who wanted a key that is there, or who asked before this fetch began: others need another."""
        kids = {key.kid for key in self._keys}
        for waiting in list(self._waiting):
            if waiting.kid is None or waiting.kid in kids or waiting.since <= started:
                del self._waiting[waiting]
                if waiting.kid is not None and waiting.kid not in kids:
                    self._note_absent(waiting.kid)
                waiting.settle(True)

    def _note_absent(self, kid: str) -> None:
        self._absent[kid] = self._clock.monotonic() + ABSENT_SECONDS
        self._absent.move_to_end(kid)
        if len(self._absent) > MAX_ABSENT:
            self._absent.popitem(last=False)

    @property
    def _patience(self) -> float:
        return 2 * self.settings.cooldown + PATIENCE_SECONDS

    def _expire(self) -> None:
        """Let those go who have waited for too long: whoever should have fetched does not answer."""
        self._timer = None
        latest = self._clock.monotonic() - self._patience
        late = [one for one in self._waiting if one.since <= latest]
        for one in late:
            del self._waiting[one]
            one.settle(False)
        if late:
            log.warning("%d requests have waited in vain for keys of %s", len(late), self.settings.url)
        if self._waiting:
            first = next(iter(self._waiting)).since
            self._timer = asyncio.get_running_loop().call_later(max(first - latest, 0.001), self._expire)
        else:
            self._is_asked = False
