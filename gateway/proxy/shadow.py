"""Legacy's answers, some of them compared with what the successor would have said. The client never notices.

A request is chosen before legacy is asked, so that its answer can be kept while it passes; when all of it has been
written to the client, a copy of the request goes to the successor, and the two answers are compared.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.config.shadow import ShadowRule
from gateway.downstream.connection import ClientConnection
from gateway.observability.shadow import ShadowSample
from gateway.policy.decision import Forward
from gateway.policy.shadow import to_successor
from gateway.proxy.copy import MAX_BYTES, Copied, Copy, Failed, Outcome, Whole
from gateway.proxy.evaluation import DROPPED, ERROR, Verdict, evaluate
from gateway.proxy.exchange import Exchange
from gateway.proxy.record import Record
from gateway.proxy.shared import Shared
from gateway.wire.answer import AnswerHead
from gateway.wire.request import Request

log = logging.getLogger(__name__)

AT_ONCE: Final = 32
"""Requests that are being shadowed at the same time in a process; others that are chosen are dropped."""
INLINE_BYTES: Final = 32 * 1024
"""Longer answers are compared on a thread: at worst that takes some ten milliseconds."""
PARTIAL: Final = 206


class Shadows:
    """Owns how many requests are being shadowed, and what came of it. `chance` returns a number from 0 to below 1."""

    def __init__(self, shared: Shared, chance: Callable[[], float]) -> None:
        self._shared = shared
        self._chance = chance
        self.under_way = 0

    def __repr__(self) -> str:
        return f"<Shadows {self.under_way} under way>"

    def choose(self, migration: str, rule: ShadowRule, request: Request) -> bool:
        """Return whether a request is shadowed: by chance, where there is room, and never one with a body.

        Each that is chosen is brought to an end once: by `send`, `drop` or `forget`.
        """
        if self._chance() >= rule.share or request.has_body:
            return False
        if self.under_way >= AT_ONCE:
            self._count(migration, DROPPED)
            return False
        self.under_way += 1
        return True

    def forget(self) -> None:
        """There is nothing to compare: legacy's answer was none to be held to."""
        self.under_way -= 1

    def drop(self, migration: str) -> None:
        """There would be, but it costs too much."""
        self.under_way -= 1
        self._count(migration, DROPPED)

    def send(self, copied: Copied, rule: ShadowRule, legacy: Whole) -> None:
        """Send a copy of a request that legacy has answered."""
        cluster = self._shared.fleet.find(copied.forward.upstream)
        if cluster is None:
            self.drop(copied.forward.target.owner)
        else:
            Copy(copied, cluster, partial(self._compare, copied, rule, legacy)).begin()

    def _compare(self, copied: Copied, rule: ShadowRule, legacy: Whole, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self._end(copied, (DROPPED if outcome.is_ours else ERROR, ()))
            return
        judge = partial(evaluate, legacy, outcome, copied.forward.adapter, rule)
        if len(legacy.body) + len(outcome.body) <= INLINE_BYTES:
            self._end(copied, judge())
        else:
            comparing = asyncio.get_running_loop().run_in_executor(None, judge)
            comparing.add_done_callback(partial(self._compared, copied))

    def _compared(self, copied: Copied, comparing: asyncio.Future[Verdict]) -> None:
        error = None if comparing.cancelled() else comparing.exception()
        if error is not None:
            log.error("%s could not be compared", copied.request_id, exc_info=error)
        is_known = error is None and not comparing.cancelled()
        self._end(copied, comparing.result() if is_known else (DROPPED, ()))

    def _end(self, copied: Copied, verdict: Verdict) -> None:
        result, differences = verdict
        target = copied.forward.target
        self.under_way -= 1
        self._count(target.owner, result)
        if differences:
            now = self._shared.clock.now()
            self._shared.shadows.note(ShadowSample(now, target.owner, target.label, differences))

    def _count(self, migration: str, result: str) -> None:
        self._shared.metrics.shadows[migration, result] += 1


class ShadowedExchange(Exchange):
    """Owns an exchange with legacy whose answer is kept while it passes. To the client it is an exchange like any."""

    _is_settled = False
    _is_whole = False
    _kept_bytes = 0

    def __init__(
        self,
        shared: Shared,
        client: ClientConnection,
        request: Request,
        forward: Forward,
        record: Record,
        shadows: Shadows,
        rule: ShadowRule,
    ) -> None:
        super().__init__(shared, client, request, forward, record)
        self._shadows = shadows
        self._rule = rule
        self._kept: list[bytes] = []

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        """Pass it on, and keep it."""
        self._answer = head
        self._is_whole = True
        self._keep(body)
        super().on_whole(head, body)
        self._settle()

    def on_head(self, head: AnswerHead) -> None:
        """Pass it on, unless it makes keeping the rest futile."""
        super().on_head(head)
        if head.is_event_stream or not _is_comparable(head):
            self._settle()
        elif head.length > MAX_BYTES:
            self._give_up()

    def on_body(self, data: bytes) -> None:
        """Pass a part of it on, and keep it."""
        super().on_body(data)
        self._keep(data)

    def on_end(self) -> None:
        """That was all of it."""
        self._is_whole = True
        super().on_end()

    def _finish(self) -> None:
        super()._finish()
        self._settle()

    def _keep(self, data: bytes) -> None:
        if self._is_settled:
            return
        self._kept.append(data)
        self._kept_bytes += len(data)
        if self._kept_bytes > MAX_BYTES:
            self._give_up()

    def _give_up(self) -> None:
        if not self._is_settled:
            self._is_settled = True
            self._kept.clear()
            self._shadows.drop(self._forward.target.owner)

    def _settle(self) -> None:
        """Have the answer compared, if it was whole and good; once."""
        if self._is_settled:
            return
        self._is_settled = True
        head, kept = self._answer, b"".join(self._kept)
        self._kept.clear()
        if head is None or not self._is_whole or not _is_comparable(head):
            self._shadows.forget()
            return
        request = self._request
        forward = to_successor(self._forward, self._rule, request)
        trusts_peer = self._shared.rules.trusts_peer
        copied = Copied(request, forward, self._record.request_id, self._client.scheme, trusts_peer)
        self._shadows.send(copied, self._rule, Whole(head, kept))


def _is_comparable(head: AnswerHead) -> bool:
    """Return whether the successor is held to it: a success, and not of a part only."""
    return 200 <= head.status < 300 and head.status != PARTIAL
