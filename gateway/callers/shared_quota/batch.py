"""Checks on their way to Redis: those of one turn of the event loop travel together, in few calls at once."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import unpack
from typing import Final

from gateway.callers.shared_quota.link import Link, RedisError, Reply
from gateway.callers.shared_quota.script import CHECK, COUNTS, key_of, terms
from gateway.config.snapshot import Quota
from gateway.core.clock import Clock
from gateway.policy.quota import Charge, Verdict

CALLS_AT_ONCE: Final = 2
"""While so many are unanswered, checks wait for the next one: the busier Redis, the larger the calls."""
LARGEST: Final = 256
"""Requests in one call; Redis does nothing else meanwhile."""
GRACE_SECONDS: Final = 0.003
"""An answer may lie in the socket while our own loop was late: one more look before giving up."""

MOST_TERMS: Final = 1_000
"""Quotas whose numbers are remembered; those of former configurations go with the others."""

type OnVerdict = Callable[[Verdict], None]


@dataclass(slots=True)
class Ask:
    """One request's charges, and who is told. `more` are the units to take ahead for each of them.

    `on_verdict` becomes None when it was answered otherwise. `due` is on the loop's clock.
    """

    charges: Sequence[Charge]
    more: Sequence[int]
    on_verdict: OnVerdict | None
    due: float
    is_counted: bool = True


type Answer = tuple[float, ...]
"""Redis' answer to one ask: 1 if it fits, else 0; then for each charge the seconds ahead and the units taken ahead."""

EXACT: Final = (0,)
"""Nothing is taken ahead for the one charge there is."""


@dataclass(slots=True, eq=False)
class _Call:
    asks: list[Ask]
    asked_at: float
    with_text: bool = False


class Batcher:
    """Owns the asks that wait and those that were sent. It decides nothing: answers and failures go to who owns it.

    `tell` is given an answer with the moment it was asked for (Unix seconds).
    `fail` is told a word: `timeout`, or `error`. It then takes what is unanswered by `abandon`; an answer that comes
    later is still told, to be learned from.
    """

    def __init__(
        self, timeout: float, tell: Callable[[Ask, Answer, float], None], fail: Callable[[str], None], clock: Clock
    ) -> None:
        self._timeout = timeout
        self._tell = tell
        self._fail = fail
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._waiting: deque[Ask] = deque()
        self._sent: list[_Call] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_flushing = False
        self._is_graced = False
        self._due = 0.0
        self._terms: dict[str, tuple[Quota, bytes]] = {}

    def __repr__(self) -> str:
        return f"<Batcher {len(self._waiting)} waiting, {len(self._sent)} calls unanswered>"

    def attach(self, link: Link) -> None:
        """Send over this connection from now on."""
        self._link = link
        self._sent.clear()

    def put(
        self, charges: Sequence[Charge], more: Sequence[int], on_verdict: OnVerdict | None, *, is_counted: bool = True
    ) -> None:
        """Send with the others of this turn of the loop."""
        if not self._is_flushing:
            self._is_flushing = True
            self._due = self._loop.time() + self._timeout
            self._loop.call_soon(self._flush)
            if self._timer is None:
                self._timer = self._loop.call_later(self._timeout, self._look)
        self._waiting.append(Ask(charges, more, on_verdict, self._due, is_counted))

    def abandon(self) -> list[Ask]:
        """Return everything that is unanswered, and expect nothing more for it."""
        unanswered = [ask for call in self._sent for ask in call.asks] + list(self._waiting)
        self._sent.clear()
        self._waiting.clear()
        return unanswered

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self) -> None:
        self._is_flushing = False
        while self._waiting and self._link is not None and len(self._sent) < CALLS_AT_ONCE:
            asks = [self._waiting.popleft() for _ in range(min(LARGEST, len(self._waiting)))]
            call = _Call(asks, self._clock.now())
            self._sent.append(call)
            self._send(self._link, call)

    def _send(self, link: Link, call: _Call) -> None:
        keys: list[bytes] = []
        words: list[bytes] = []
        for ask in call.asks:
            words.append(COUNTS[len(ask.charges)])
            for charge, more in zip(ask.charges, ask.more, strict=True):
                keys.append(key_of(charge.quota.name, charge.key))
                is_usual = more == 0 and ask.is_counted
                quota = charge.quota
                words.append(self._usual(quota) if is_usual else terms(quota, more, is_counted=ask.is_counted))
        written = CHECK.call(keys, b"".join(words), with_text=call.with_text)
        link.send(written, lambda reply: self._on_reply(link, call, reply))

    def _usual(self, quota: Quota) -> bytes:
        # By identity: hashing a quota looks at all of its fields, and this is done for each request.
        known = self._terms.get(quota.name)
        if known is not None and known[0] is quota:
            return known[1]
        if len(self._terms) > MOST_TERMS:
            self._terms.clear()
        found = terms(quota)
        self._terms[quota.name] = (quota, found)
        return found

    def _on_reply(self, link: Link, call: _Call, reply: Reply) -> None:
        self._is_graced = False
        is_expected = call in self._sent
        if isinstance(reply, RedisError):
            if not is_expected:
                return
            if str(reply).startswith("NOSCRIPT") and not call.with_text:
                call.with_text = True
                self._send(link, call)
            else:
                self._fail("error")
            return
        if is_expected:
            self._sent.remove(call)
        numbers, at = unpack(f"<{len(reply) // 8}d", reply), 0
        for ask in call.asks:
            end = at + 1 + 2 * len(ask.charges)
            self._tell(ask, numbers[at:end], call.asked_at)
            at = end
        if self._waiting:
            self._flush()

    def _look(self) -> None:
        """See whether the oldest ask is overdue."""
        self._timer = None
        oldest = self._sent[0].asks[0] if self._sent else self._waiting[0] if self._waiting else None
        if oldest is None:
            return
        left = oldest.due - self._loop.time()
        if left <= 0 and self._is_graced:
            self._is_graced = False
            self._fail("timeout")
            return
        self._is_graced = left <= 0
        self._timer = self._loop.call_later(max(left, GRACE_SECONDS), self._look)
