"""The record of a decision, stage by stage: what `crossfade explain` prints."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.config.snapshot import AuthMode, Endpoint, Migration, Requirement, Route
from gateway.core.http import RequestHead
from gateway.policy.cohort import Assignment
from gateway.policy.decision import Caller, Forward
from gateway.policy.phase import Stand
from gateway.policy.quota import Charge, Verdict
from gateway.policy.refusal import AuthError


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a decision: what it looked at, what came out, and why."""

    name: str
    input: str
    outcome: str
    reason: str


@dataclass(slots=True)
class Trace:
    """Collects the stages of one decision and words them for people. It takes no part in the decision itself."""

    stages: list[Stage] = field(default_factory=list)

    def served_here(self, head: RequestHead, name: str) -> None:
        """One of the gateway's own paths."""
        self._add("route", f"{head.method} {head.path}", f"local {name}", "one of the gateway's own paths")

    def refused_path(self, head: RequestHead, problem: str) -> None:
        """A path that is not even matched."""
        self._add("route", f"{head.method} {head.path}", "400", problem)

    def missed(self, head: RequestHead, allow: Sequence[str]) -> None:
        """Nothing matches, or not with this method."""
        reason = f"allowed here: {', '.join(allow)}" if allow else "no endpoint or route has this path"
        self._add("route", f"{head.method} {head.path}", "405" if allow else "404", reason)

    def routed(self, head: RequestHead, target: Endpoint | Route) -> None:
        """The endpoint or route is known."""
        kind = "endpoint of migration" if isinstance(target, Endpoint) else "plain route"
        self._add("route", f"{head.method} {head.path}", target.label, f"{kind} {target.owner}")

    def preflighted(self, head: RequestHead, origin: str, *, is_allowed: bool) -> None:
        """A browser asks what a page may send."""
        reason = "one of server.cors.origins" if is_allowed else "not one of server.cors.origins"
        self._add("cors", f"preflight of {head.path} from {origin}", "allowed" if is_allowed else "not allowed", reason)

    def turned_away(self, mode: AuthMode, failure: AuthError) -> None:
        """The token is not good."""
        self._add("authenticate", f"auth {mode}", "401", f"{failure.reason}: {failure.description}")

    def authenticated(self, mode: AuthMode, caller: Caller) -> None:
        """The caller is known, or need not be."""
        reason = "the token is good" if caller.claims is not None else "no token is needed, none was looked at"
        self._add("authenticate", f"auth {mode}", f"consumer {caller.consumer or 'nobody'}", reason)

    def permitted(self, requirement: Requirement, missing: str | None) -> None:
        """The caller has what is required, or not."""
        reason = "the caller has it" if missing is None else f"the caller lacks {missing}"
        self._add("require", str(requirement), "passed" if missing is None else "403", reason)

    def uncounted(self, target: Endpoint | Route) -> None:
        """No quota counts this request."""
        names = ", ".join(rule.name for rule in target.quotas)
        self._add("quotas", names or "-", "passed", "their conditions do not hold" if names else "none is configured")

    def counted(self, charges: Sequence[Charge], verdict: Verdict) -> None:
        """Quotas counted this request; the strictest speaks."""
        listed = ", ".join(f"{charge.quota.name} for {charge.key}" for charge in charges)
        reason = f"{verdict.quota.name} has {verdict.remaining} of {verdict.quota.quota} left"
        self._add("quotas", listed, "passed" if verdict.is_allowed else "429", reason)

    def undated(self) -> None:
        """The migration has no deprecation."""
        self._add("phase", "-", "passed", "the migration has no deprecation dates")

    def dated(self, moment: float, is_rehearsed: bool, stand: Stand) -> None:
        """Where the migration stands at the moment that counts for this request."""
        when = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        outcome = str(stand.phase) if stand.problem is None else f"{stand.phase}: {stand.problem.code}"
        self._add("phase", f"at {when}{' (rehearsed)' if is_rehearsed else ''}", outcome, stand.reason)

    def unrehearsed(self, text: str) -> None:
        """The rehearsal header is not a date."""
        self._add("phase", f"Crossfade-Rehearse: {text}", "400", "not an ISO 8601 date")

    def sided(self, migration: Migration, assignment: Assignment, upstream: str) -> None:
        """The side of a migrated endpoint's request."""
        percent = f"{migration.rollout.percent:g} % to the successor"
        self._add("side", percent, f"{assignment.side} ({upstream})", assignment.reason)

    def unsided(self, upstream: str) -> None:
        """A plain route has no sides."""
        self._add("side", "-", upstream, "plain routes are not migrated")

    def forwarded(self, head: RequestHead, forward: Forward) -> None:
        """What the upstream is asked."""
        line = f"{forward.method} {forward.path}{'?' if forward.query else ''}{forward.query}"
        how = f"adapter {forward.adapter.name}" if forward.adapter is not None else "sent on as it is"
        self._add("forward", f"{head.method} {head.target}", f"{line} to {forward.upstream}", how)

    def streamed(self, head: RequestHead, topic: str) -> None:
        """The hub serves it, whoever the topic's messages come from."""
        self._add("stream", f"{head.method} {head.path}", f"topic {topic}", "a path of realtime.sse")

    def _add(self, name: str, looked_at: str, outcome: str, reason: str) -> None:
        self.stages.append(Stage(name, looked_at, outcome, reason))
