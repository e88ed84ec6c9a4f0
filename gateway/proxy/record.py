"""What is known about one exchange when it ends: the source of its metrics and its line in the access log."""

from dataclasses import dataclass
from typing import Final

from gateway.config.snapshot import Endpoint, Route, Side
from gateway.core.errors import ProblemType
from gateway.core.http import CLIENT_GONE, RequestHead
from gateway.observability.access_log import Entry
from gateway.observability.metrics import Metrics
from gateway.policy.decision import Decision, Forward, Local, Refuse, Stream
from gateway.policy.phase import Phase
from gateway.proxy.budget import Fall
from gateway.proxy.tally import SIDES, Tally

WARNED: Final = (Phase.DEPRECATED, Phase.GONE, Phase.REMOVED)
SUCCESSOR: Final = SIDES[1]
BOTH: Final = "fallback"
"""In place of a side: the time of a request that both were asked is neither's."""

DATED_PHASES: Final = frozenset({"deprecated", "gone", "removed"})


@dataclass(slots=True, init=False)
class Record:
    """Collects the outcome of one exchange. `started` is on the monotonic clock.

    `head` and `decision` are None for bytes that were no request; `failure` is why it ended otherwise than decided.
    `has_failed`: the backend is to blame for something; it is not for our own limits, nor for clients that leave.
    `fall`: it was the successor, and legacy was asked in its place, which makes it no more or less so.
    """

    request_id: str
    started: float
    head: RequestHead | None
    decision: Decision | None
    status: int
    failure: str
    has_failed: bool
    fall: Fall | None

    def __init__(  # written out for when it is compiled, see policy.decision
        self,
        request_id: str,
        started: float,
        head: RequestHead | None = None,
        decision: Decision | None = None,
        status: int = CLIENT_GONE,
        failure: str = "",
        has_failed: bool = False,
    ) -> None:
        self.request_id = request_id
        self.started = started
        self.head = head
        self.decision = decision
        self.status = status
        self.failure = failure
        self.has_failed = has_failed
        self.fall = None

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return self.head.path if self.head is not None else ""

    def blame(self) -> None:
        """The backend has failed the request; of two, it is the first who counts."""
        if self.fall is None:
            self.has_failed = True

    def count(self, now: float, metrics: Metrics, tally: Tally) -> None:
        """Count the exchange, and for whom."""
        decision = self.decision
        if not isinstance(decision, Forward):
            self._count_own(now, metrics, tally)
            return
        target, phase, assignment = decision.target, decision.phase, decision.assignment
        owner, label = target.owner, target.label
        side = SIDES[decision.side is Side.SUCCESSOR] if decision.side is not None else ""
        metrics.requests[owner, label, side, self.status] += 1
        if self.has_failed or self.fall is not None:
            side = self._count_trouble(target, side, metrics)
        metrics.durations[owner, label, side].observe(now - self.started)
        if phase is not None and phase is not Phase.PARALLEL:
            metrics.deprecated[owner, phase._value_] += 1  # `value` is a call of its own
        if assignment is not None and self.status != CLIENT_GONE:
            uses = assignment.uses
            if uses:
                uses[label] = uses.get(label, 0) + 1
            else:
                tally.begin(self.head, decision)
            if self.has_failed:
                tally.fail(decision)

    def entry(self, now: float) -> Entry:
        """Return the exchange's line."""
        decision = self.decision
        owner, _ = self._labels()
        caller = decision.caller if isinstance(decision, Forward | Refuse | Stream) else None
        side = decision.side if isinstance(decision, Forward) else None
        return Entry(
            request_id=self.request_id,
            method=self.head.method if self.head is not None else "",
            path=self.path,
            status=self.status,
            owner=owner,
            side=side.value if side is not None else "",
            reason=self._why(),
            consumer=caller.consumer if caller is not None else None,
            milliseconds=round((now - self.started) * 1000, 3),
        )

    def _why(self) -> str:
        if self.fall is not None:
            return f"fallback: {self.fall.complaint}{f', then {self.failure}' if self.failure else ''}"
        return self.failure or _reason(self.decision)

    def _count_trouble(self, target: Endpoint | Route, side: str, metrics: Metrics) -> str:
        """Count who failed and what followed; return what the time counts as."""
        fall = self.fall
        if self.has_failed:
            metrics.failures[target.owner, target.label, side if fall is None else SUCCESSOR] += 1
        if fall is None:
            return side
        fall.end()
        metrics.fallbacks[target.owner, target.label] += 1
        if self.status == CLIENT_GONE:
            metrics.fallbacks_left[target.owner, target.label] += 1
        return BOTH

    def _count_own(self, now: float, metrics: Metrics, tally: Tally) -> None:
        owner, endpoint = self._labels()
        metrics.requests[owner, endpoint, "", self.status] += 1
        metrics.durations[owner, endpoint, ""].observe(now - self.started)
        if isinstance(self.decision, Stream) and self.decision.phase in WARNED:
            metrics.deprecated[owner, self.decision.phase.value] += 1
        if isinstance(self.decision, Refuse):
            _count_refusal(self.decision, owner, metrics, tally)

    def _labels(self) -> tuple[str, str]:
        if isinstance(self.decision, Local):
            return "gateway", self.decision.name
        target = self.decision.target if self.decision is not None else None
        return (target.owner, target.label) if target is not None else ("", "")


def _reason(decision: Decision | None) -> str:
    match decision:
        case Local():
            return "local"
        case Stream():
            return "hub"
        case Forward() | Refuse():
            return decision.reason
    return ""


def _count_refusal(refusal: Refuse, owner: str, metrics: Metrics, tally: Tally) -> None:
    kind, _, detail = refusal.reason.partition(":")
    if refusal.problem.type is ProblemType.UNAUTHENTICATED:
        metrics.auth_failures[(refusal.reason,)] += 1
    elif kind == "quota":
        metrics.quota_exceeded[(detail,)] += 1
    elif kind == "phase" and detail in DATED_PHASES:
        metrics.deprecated[owner, detail] += 1
        tally.refuse(refusal)
