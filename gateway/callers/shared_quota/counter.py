"""Counting together with other processes: in Redis while it answers, and each its share while it does not."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from gateway.callers.shared_quota.batch import EXACT, Answer, Ask, Batcher, OnVerdict
from gateway.callers.shared_quota.keeper import Keeper, Watcher
from gateway.callers.shared_quota.known import Known
from gateway.callers.shared_quota.lease import Leases
from gateway.callers.shared_quota.link import Link
from gateway.callers.shared_quota.local import LocalShare
from gateway.callers.shared_quota.reminder import Reminder
from gateway.config import schema
from gateway.core.clock import Clock
from gateway.observability.metrics import Metrics
from gateway.policy.quota import Charge, Verdict, strictest

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 1.5
"""How long a process also keeps to its share after it came back to Redis: the others may need as long to come back."""


BY_REDIS: Final = ("redis",)
BY_MEMORY: Final = ("memory",)
BY_LEASE: Final = ("lease",)
BY_SHARE: Final = ("share",)
"""Who answered a check, as the label of the metric."""


class Mode(StrEnum):
    """Who counts. On the way back from `alone` Redis is first told what was granted meanwhile."""

    ALONE = "alone"
    RETURNING = "returning"
    SETTLING = "settling"
    SHARED = "shared"


class SharedQuotas:
    """Owns the counts of one process's requests. It waits for nobody: what needs Redis is asked for with a callback.

    `count` answers at once where it can and None where Redis must be asked, by `ask`. Every ask is answered once
    within the timeout of the settings (and the lateness of our own loop). It never grants without limit: without Redis
    it grants its share of each quota, beginning from the last counts it knows.
    """

    def __init__(self, settings: schema.Redis, workers: int, metrics: Metrics, clock: Clock) -> None:
        self._settings = settings
        self._metrics = metrics
        self._checks = metrics.quota_checks
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._known = Known()
        self._local = LocalShare(self._known)
        self._leases = Leases(self._known)
        self._batcher = Batcher(settings.timeout, self._tell, self._fail, clock)
        self._keeper = Keeper(settings, Watcher(self._on_link, self._on_lost, self._on_beat, self._is_in_use))
        self._link: Link | None = None
        self._mode = Mode.ALONE
        self._settling: asyncio.TimerHandle | None = None
        self._reminder: Reminder | None = None
        self._first_beat = asyncio.Event()
        self._share(settings.share or 1 / workers)

    def __repr__(self) -> str:
        return f"<SharedQuotas {self._mode}, share {self._local.share:.3f}, {self._batcher!r}>"

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._known)

    @property
    def mode(self) -> Mode:
        """Who counts now."""
        return self._mode

    @property
    def share(self) -> float:
        """The part of every quota that this process grants by itself."""
        return self._local.share

    async def start(self) -> None:
        """Connect; returns when Redis answers, or after a moment without it."""
        self._keeper.start()
        try:
            async with asyncio.timeout(max(self._settings.timeout, 0.5)):
                await self._first_beat.wait()
        except TimeoutError:
            log.warning("Redis does not answer; quotas are limited by share until it does")

    async def close(self) -> None:
        """Leave Redis; what is unanswered is answered from here."""
        self._enter(Mode.ALONE)
        self._answer_alone()
        self._batcher.close()
        await self._keeper.close()

    def keep(self, names: Iterable[str]) -> None:
        """Forget all quotas but these."""
        kept = list(names)
        self._known.keep(kept)
        self._local.keep(kept)

    # ------------------------------------------------------------------ the policy's calls

    def grant(self, charges: Sequence[Charge], now: float) -> None:
        """Nothing: it takes a verdict to tell what is left of all that the others grant, too."""

    def count(self, charges: Sequence[Charge], now: float) -> Verdict | None:
        """Count a request if that needs nobody else; None when Redis must be asked."""
        if self._mode is Mode.SHARED:
            verdict = self._leases.spend(charges, now) if charges[0].quota.is_leased else None
            if verdict is not None:
                self._refill(charges, now)
                self._checks[BY_LEASE] += 1
                return verdict
            return self._remembered(charges, now)
        if self._mode is not Mode.SETTLING:
            return self._count_alone(charges, now)
        # The others may still be alone and grant their shares: together with ours that is the whole quota.
        alone = self._local.count(charges, now)
        return alone if not alone.is_allowed else None

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        """Count a request against shadows; nobody waits for what becomes of it."""
        for charge in charges:
            verdict = self.count([charge], now)
            if verdict is None:
                self.ask([charge], self._note_shadow)
            else:
                self._note_shadow(verdict)

    def ask(self, charges: Sequence[Charge], on_verdict: OnVerdict) -> None:
        """Have Redis count a request; `on_verdict` is called later, never from in here."""
        if self._link is None:
            self._loop.call_soon(lambda: on_verdict(self._count_alone(charges, self._clock.now())))
            return
        self._batcher.put(charges, self._wanted(charges), on_verdict)

    # ------------------------------------------------------------------ answers

    def _tell(self, ask: Ask, answer: Answer, asked_at: float) -> None:
        now = self._clock.now()
        # What was asked longer ago than we ever wait may have been counted at any time since.
        counted_at = max(asked_at, now - self._settings.timeout)
        charges = ask.charges
        if len(charges) == 1:
            self._known.learn(charges[0], counted_at + answer[1], now)
        else:
            for charge, ahead in zip(charges, answer[1::2], strict=True):
                self._known.learn(charge, counted_at + ahead, now)
        if ask.more is not EXACT:
            self._take_leases(ask, answer, asked_at)
        if ask.on_verdict is not None:
            self._checks[BY_REDIS] += 1
            _answer(ask, _verdict(charges, answer))

    def _take_leases(self, ask: Ask, answer: Answer, asked_at: float) -> None:
        for charge, wanted, more in zip(ask.charges, ask.more, answer[2::2], strict=True):
            if wanted and self._mode is Mode.SHARED:
                self._leases.add(charge, int(more), asked_at)

    def _wanted(self, charges: Sequence[Charge]) -> Sequence[int]:
        if self._mode is not Mode.SHARED:
            return EXACT * len(charges)
        if len(charges) == 1 and not charges[0].quota.is_leased:
            return EXACT
        now = self._clock.now()
        return [self._leases.wanted(charge, now) for charge in charges]

    def _refill(self, charges: Sequence[Charge], now: float) -> None:
        for charge in charges:
            if self._leases.is_low(charge):
                self._batcher.put([charge], [self._leases.wanted(charge, now)], None, is_counted=False)

    def _remembered(self, charges: Sequence[Charge], now: float) -> Verdict | None:
        refusal = self._known.refusal(charges, now, self._settings.timeout)
        if refusal is not None:
            self._checks[BY_MEMORY] += 1
        return refusal

    def _count_alone(self, charges: Sequence[Charge], now: float) -> Verdict:
        self._checks[BY_SHARE] += 1
        return self._local.count(charges, now)

    def _note_shadow(self, verdict: Verdict) -> None:
        if not verdict.is_allowed:
            self._metrics.quota_shadowed[verdict.quota.name,] += 1

    # ------------------------------------------------------------------ leaving Redis, and coming back

    def _fail(self, reason: str) -> None:
        """Go on alone. What is unanswered is counted here; that Redis may have counted it as well only limits more."""
        if self._mode is not Mode.ALONE:
            log.warning("Redis: %s; quotas are limited by share", reason)
            self._metrics.quota_fallbacks[reason,] += 1
            self._enter(Mode.ALONE)
            self._leases.clear()
            self._keeper.hurry()
        self._answer_alone()

    def _answer_alone(self) -> None:
        now = self._clock.now()
        for ask in self._batcher.abandon():
            if ask.on_verdict is not None:
                _answer(ask, self._count_alone(ask.charges, now))

    def _on_link(self, link: Link) -> None:
        self._link = link
        self._batcher.attach(link)

    def _on_lost(self) -> None:
        self._link = None
        self._fail("lost")

    def _on_beat(self, alive: int) -> None:
        """Redis answers in time: come back to it, if we were away."""
        self._share(1 / alive)
        self._first_beat.set()
        if self._mode is not Mode.ALONE or self._link is None:
            return
        if self._known.is_empty and self._local.is_empty:
            self._enter(Mode.SHARED)
            return
        self._enter(Mode.RETURNING)
        now = self._clock.now()
        self._reminder = Reminder(self._link, self._clock, self._on_reminded, self._fail)
        self._reminder.begin([*self._known.owing(now), *self._local.all_spent(now)])

    def _on_reminded(self, reminder: Reminder) -> None:
        """Redis knows what we granted. What we granted while telling it goes ahead of everything that we ask now."""
        if self._mode is not Mode.RETURNING or reminder is not self._reminder:
            return
        reminder.finish(self._local.touched())
        self._enter(Mode.SETTLING)
        self._settling = self._loop.call_later(SETTLE_SECONDS, self._settle)

    def _settle(self) -> None:
        """All are back. What each of us granted by share while the others came back, Redis must not take for less."""
        if self._reminder is not None:
            self._reminder.finish(self._local.all_spent(self._clock.now()))
        self._local.touched()
        self._enter(Mode.SHARED)

    def _enter(self, mode: Mode) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        log.info("quotas: %s to %s", self._mode, mode)
        self._mode = mode

    def _share(self, share: float) -> None:
        self._local.share = self._leases.share = share

    def _is_in_use(self) -> bool:
        return self._mode is not Mode.ALONE


def _answer(ask: Ask, verdict: Verdict) -> None:
    """Tell who asked, once. What goes wrong there must not take the others' answers along."""
    on_verdict, ask.on_verdict = ask.on_verdict, None
    if on_verdict is not None:
        try:
            on_verdict(verdict)
        except Exception:
            log.exception("a request failed on its quota's verdict")


def _verdict(charges: Sequence[Charge], answer: Answer) -> Verdict:
    """Word an answer: the strictest of what is left, or the longest wait."""
    if answer[0] == 1:
        if len(charges) == 1:
            return Verdict.granted(charges[0].quota, answer[1])
        return strictest(
            [Verdict.granted(charge.quota, ahead) for charge, ahead in zip(charges, answer[1::2], strict=True)]
        )
    waits = [ahead - charge.quota.tolerance for charge, ahead in zip(charges, answer[1::2], strict=True)]
    at = waits.index(max(waits))
    return Verdict.refused(charges[at].quota, answer[1 + 2 * at], waits[at])
