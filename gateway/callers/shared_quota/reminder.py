"""Tells Redis what it missed or lost: whatever it holds rises to what we know, and never falls."""

from collections.abc import Callable, Sequence
from struct import pack
from typing import Final

from gateway.callers.shared_quota.link import Link, RedisError, Reply
from gateway.callers.shared_quota.script import REMEMBER, key_of
from gateway.core.clock import Clock

CHUNK: Final = 250
"""Keys in one call: about a millisecond of ours and of Redis' time."""

type Entry = tuple[str, str, float]
"""Quota, key, and the arrival time in Unix seconds."""


class Reminder:
    """Owns what is still to be told. One call at a time, so that requests are served in between."""

    def __init__(
        self, link: Link, clock: Clock, on_done: Callable[["Reminder"], None], fail: Callable[[str], None]
    ) -> None:
        self._link = link
        self._clock = clock
        self._on_done = on_done
        self._fail = fail
        self._left: list[Entry] = []

    def __repr__(self) -> str:
        return f"<Reminder {len(self._left)} keys left>"

    def begin(self, entries: Sequence[Entry]) -> None:
        """Tell all of it, then call `on_done`."""
        self._left = list(entries)
        self._go_on()

    def finish(self, entries: Sequence[Entry]) -> None:
        """Tell the rest without waiting: commands are answered in order."""
        for start in range(0, len(entries), CHUNK):
            self._send(entries[start : start + CHUNK], is_last=True)

    def _go_on(self) -> None:
        if not self._left:
            self._on_done(self)
            return
        chunk = self._left[-CHUNK:]
        del self._left[-CHUNK:]
        self._send(chunk)

    def _send(self, entries: Sequence[Entry], *, is_last: bool = False, with_text: bool = False) -> None:
        now = self._clock.now()
        keys = [key_of(quota, key) for quota, key, _ in entries]
        ahead = [max(0.0, (arrival - now) * 1e6) for _, _, arrival in entries]
        words = REMEMBER.call(keys, pack(f"<{len(ahead)}d", *ahead), with_text=with_text)

        def on_reply(reply: Reply) -> None:
            if isinstance(reply, RedisError):
                if str(reply).startswith("NOSCRIPT") and not with_text:
                    self._send(entries, is_last=is_last, with_text=True)
                else:
                    self._fail("error")
            elif not is_last:
                self._go_on()

        self._link.send(words, on_reply)
