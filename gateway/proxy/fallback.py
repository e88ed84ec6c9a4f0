"""A safe request that the successor is asked first and, where that fails, legacy: once, and within a budget.

The successor fails it by answering 5xx, by not answering, by an answer that breaks before the first byte of its body
went to the client, or by one that cannot be translated. Whatever legacy says then is the answer.
"""

import asyncio
import logging
from typing import Final

from gateway.core.http import CLIENT_GONE
from gateway.downstream.connection import ClientConnection
from gateway.downstream.fault import RequestError
from gateway.policy.decision import Forward
from gateway.policy.fallback import to_legacy
from gateway.proxy.budget import Budget
from gateway.proxy.exchange import HELD_BYTES, Exchange
from gateway.proxy.record import Record
from gateway.proxy.shared import Shared
from gateway.wire.answer import AnswerHead
from gateway.wire.body import Framing
from gateway.wire.request import Request

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 1.0
DRAINED_BYTES: Final = 64 * 1024
"""A refused answer of at most this length may end by itself, so that its connection can be used again."""


class Attempt(Exchange):
    """Owns the exchange with the successor. As long as the client has seen nothing of its answer, it can give way.

    From then on another exchange, `_heir`, owns the request, and what comes for it is passed on. Of the request's body
    as much is held as may be sent twice.
    """

    _heir: Exchange | None = None
    _is_patient = True
    _kept_bytes = 0

    def __init__(
        self,
        shared: Shared,
        client: ClientConnection,
        request: Request,
        forward: Forward,
        record: Record,
        budget: Budget,
    ) -> None:
        super().__init__(shared, client, request, forward, record)
        self._budget = budget
        self._kept: list[bytes] = []

    @property
    def owner(self) -> Exchange:
        """Who answers now."""
        return self if self._heir is None else self._heir

    def begin(self, body: bytes, is_complete: bool) -> None:
        """Ask the successor."""
        self._budget.calls += 1
        if body:
            self._keep(body)
        super().begin(body, is_complete)

    def on_request_body(self, data: bytes, *, is_last: bool) -> None:
        """Pass a part of the body on."""
        if self._heir is not None:
            self._heir.on_request_body(data, is_last=is_last)
            return
        self._keep(data)
        super().on_request_body(data, is_last=is_last)

    def on_bad_request(self, error: RequestError) -> None:
        """The request will never be complete."""
        if self._heir is not None:
            self._heir.on_bad_request(error)
        else:
            super().on_bad_request(error)

    def on_gone(self) -> None:
        """The client has left."""
        if self._heir is not None:
            self._heir.on_gone()
        else:
            super().on_gone()

    def on_client_blocked(self, *, is_blocked: bool) -> None:
        """The client reads more slowly than the backend writes, or has caught up."""
        if self._heir is not None:
            self._heir.on_client_blocked(is_blocked=is_blocked)
        else:
            super().on_client_blocked(is_blocked=is_blocked)

    def _give_way(self, why: str) -> bool:
        record, rule = self._record, self._budget.rule
        legacy = self._shared.fleet.find(rule.legacy)
        is_at_hand = not self._is_started and self._kept_bytes <= HELD_BYTES
        if not is_at_hand or legacy is None or not legacy.is_fit:
            return False
        record.fall = self._budget.take(f"{self._forward.upstream} {why}")
        if record.fall is None:
            return False
        log.info("%s fallback: %s", record.request_id, record.fall.complaint)
        self._leave()
        self._ask_legacy()
        return True

    def _leave(self) -> None:
        """Let a short refused answer end; cut any other, because nobody knows when it would."""
        self.is_done = True
        head, connection = self._answer, self._connection
        if connection is None or head is None or self._translation is not None or not _is_short(head):
            self._drop_connection()
            return
        self._let_go()
        # Once it has ended, the connection is not ours any more, and this does nothing.
        asyncio.get_running_loop().call_later(DRAIN_SECONDS, connection.abandon, self)

    def _ask_legacy(self) -> None:
        record = self._record
        forward = record.decision = to_legacy(self._forward, self._budget.rule, self._request)
        record.status = CLIENT_GONE  # until legacy says something else
        body, self._kept = b"".join(self._kept), []
        heir = self._heir = Exchange(self._shared, self._client, self._request, forward, record)
        heir.begin(body, self._is_complete)

    def _keep(self, data: bytes) -> None:
        self._kept_bytes += len(data)
        self._kept.append(data)
        if self._kept_bytes > HELD_BYTES:
            self._kept.clear()


def _is_short(head: AnswerHead) -> bool:
    return head.framing is Framing.LENGTH and head.length <= DRAINED_BYTES
