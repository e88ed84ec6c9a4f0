"""What is known about one exchange when it ends: the source of its metrics and its line in the access log."""

from dataclasses import dataclass
from typing import Final

from gateway.config.snapshot import Endpoint, Route
from gateway.core.errors import ProblemType
from gateway.observability.access_log import Entry
from gateway.observability.metrics import Metrics
from gateway.policy.decision import Decision, Forward, Local, Refuse

CLIENT_GONE: Final = 499
"""The status noted (never sent) when the client left before the answer's head."""

DATED_PHASES: Final = frozenset({"deprecated", "gone", "removed"})


@dataclass(slots=True)
class Record:
    """Collects the outcome of one exchange. `started` is on the monotonic clock."""

    request_id: str
    method: str
    path: str
    started: float
    status: int = CLIENT_GONE
    owner: str = ""
    endpoint: str = ""
    side: str = ""
    reason: str = ""
    consumer: str | None = None

    def note_decision(self, decision: Decision, metrics: Metrics) -> None:
        """Take over what the policy decided, and count what only a decision shows."""
        match decision:
            case Forward():
                self._note_target(decision.target)
                self.side = decision.side.value if decision.side is not None else ""
                self.reason = decision.reason
                self.consumer = decision.caller.consumer
                self._count_phase(decision.phase, metrics)
            case Refuse():
                self._note_target(decision.target)
                self.reason = decision.reason
                self.consumer = decision.caller.consumer if decision.caller is not None else None
                self._count_refusal(decision, metrics)
            case Local():
                self.owner = "gateway"
                self.endpoint = decision.name
                self.reason = "local"

    def count(self, now: float, metrics: Metrics) -> None:
        """Count the exchange."""
        metrics.requests[self.owner, self.endpoint, self.side, self.status] += 1
        metrics.durations[self.owner, self.side].observe(now - self.started)

    def entry(self, now: float) -> Entry:
        """Return the exchange's line."""
        return Entry(
            request_id=self.request_id,
            method=self.method,
            path=self.path,
            status=self.status,
            owner=self.owner,
            side=self.side,
            reason=self.reason,
            consumer=self.consumer,
            milliseconds=round((now - self.started) * 1000, 3),
        )

    def _note_target(self, target: Endpoint | Route | None) -> None:
        if target is not None:
            self.owner = target.owner
            self.endpoint = target.label

    def _count_refusal(self, refusal: Refuse, metrics: Metrics) -> None:
        kind, _, detail = refusal.reason.partition(":")
        if refusal.problem.type is ProblemType.UNAUTHENTICATED:
            metrics.auth_failures[(refusal.reason,)] += 1
        elif kind == "quota":
            metrics.quota_exceeded[(detail,)] += 1
        elif kind == "phase":
            self._count_phase(detail, metrics)

    def _count_phase(self, phase: str | None, metrics: Metrics) -> None:
        if phase in DATED_PHASES:
            metrics.deprecated[self.owner, phase] += 1
