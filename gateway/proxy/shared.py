"""What all exchanges of a process share, and what of the running rules they need on every request."""

from dataclasses import dataclass
from typing import Final, Self

from gateway.config.cors import ANSWER_FIELDS
from gateway.config.snapshot import Snapshot
from gateway.core.block import fields, render
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.errors import MEDIA_TYPE, Problem
from gateway.core.http import Fields, http_date
from gateway.downstream.connection import ClientConnection
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Metrics
from gateway.observability.shadow import ShadowLog
from gateway.policy.decide import Memory
from gateway.proxy import forwarding
from gateway.proxy.mark import RequestIds
from gateway.proxy.record import Record
from gateway.proxy.tally import Tally
from gateway.upstream.fleet import Fleet
from gateway.wire.request import Request

PROBLEM_FIELDS: Final = (("Content-Type", MEDIA_TYPE), ("Cache-Control", "no-store"))


@dataclass(frozen=True, slots=True)
class Rules:
    """Constants of one snapshot: `owned` are the answer fields that only we may set, lower case."""

    trusts_peer: bool
    body_limit: int
    version_header: str | None
    owned: frozenset[str]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Take them from a snapshot."""
        name = snapshot.server.version_header
        owned = forwarding.OURS | ({name.lower()} if name is not None else set())
        if snapshot.cors is not None:
            owned |= ANSWER_FIELDS
        return cls(snapshot.server.trusted_hops > 0, snapshot.server.limits.body, name, owned)


class Shared:
    """Owns the count of open exchanges and the process's counters; refers to everything an exchange needs.

    The cell is read once an exchange, so a reload never splits one.
    """

    def __init__(
        self,
        snapshot: Cell[Snapshot],
        memory: Memory,
        fleet: Fleet,
        metrics: Metrics,
        access_log: AccessLog,
        clock: Clock,
        tally: Tally,
    ) -> None:
        self.snapshot = snapshot
        self.memory = memory
        self.fleet = fleet
        self.metrics = metrics
        self.access_log = access_log
        self.clock = clock
        self.tally = tally
        self.shadows = ShadowLog(metrics)
        self.ids = RequestIds()
        self.open = 0
        self.rules = Rules.of(snapshot.value)

    def __repr__(self) -> str:
        return f"<Shared {self.open} open>"

    def apply(self, snapshot: Snapshot) -> None:
        """Make a snapshot the running one, between two requests."""
        self.snapshot.value = snapshot
        self.tally.apply(snapshot)
        self.rules = Rules.of(snapshot)

    def readable(self, origin: str | None) -> Fields:
        """Return what lets a page of this origin read an answer that nothing was decided about."""
        cors = self.snapshot.value.cors
        return fields(cors.answer(origin)) if cors is not None else ()

    def refuse(
        self, client: ClientConnection, request: Request | None, record: Record, problem: Problem, fields: Fields
    ) -> None:
        """Write a problem; who called finishes the exchange."""
        record.status = problem.code
        body = problem.render(instance=record.path, request_id=record.request_id)
        self.reply(client, request, record, problem.code, (*fields, *PROBLEM_FIELDS), body)

    def reply(
        self,
        client: ClientConnection,
        request: Request | None,
        record: Record,
        status: int,
        fields: Fields,
        body: bytes,
    ) -> None:
        """Write a whole answer of our own."""
        record.status = status
        dated = (*fields, ("Date", http_date(int(self.clock.now()))), ("X-Request-Id", record.request_id))
        framing = forwarding.framing(len(body)) if status != 204 else ""
        closing = client.connection_field(request.version if request is not None else b"HTTP/1.1")
        parts = forwarding.answer_head(status, None, (), f"{render(dated)}{framing}{closing}")
        if request is None or request.method != "HEAD":
            parts.append(body)
        client.write(b"".join(parts))

    def date(self) -> str:
        """Return the field that every answer has, also where the backend sent none (RFC 9110 section 6.6.1)."""
        return f"Date: {http_date(int(self.clock.now()))}\r\n"

    def finish(self, record: Record, now: float) -> None:
        """Count an exchange that has ended `now` (monotonic seconds)."""
        self.open -= 1
        record.count(now, self.metrics, self.tally)
        log = self.access_log
        if log.share and log.is_due():
            log.write(record.entry(now))
