"""One request's explanation: the real decision with a trace, taken with a memory that counts for nobody."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.config.snapshot import Snapshot
from gateway.core.http import Fields, RequestHead, iso_time
from gateway.policy.auth import GivenClaims
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Decision, Forward, Local, Need, NeedCount, NeedKeys, Refuse, Stream
from gateway.policy.trace import Stage, Trace

GIVEN = {"authorization": "Bearer given"}
"""Stands for the token whose claims are given, so that an endpoint with optional authentication looks at them."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen to `request` at `at` (Unix seconds), and every stage on the way there."""

    head: RequestHead
    now: float
    stages: tuple[Stage, ...]
    decision: Decision

    @property
    def request(self) -> str:
        """The request's method and target."""
        return f"{self.head.method} {self.head.target}"

    @property
    def at(self) -> str:
        """The moment, ISO 8601."""
        return iso_time(self.now)

    @property
    def outcome(self) -> str:
        """The decision in one line."""
        match self.decision:
            case Forward() as forward:
                side = f" ({forward.side})" if forward.side is not None else ""
                query = f"?{forward.query}" if forward.query else ""
                return f"forwarded to {forward.upstream}{side}: {forward.method} {forward.path}{query}"
            case Refuse(problem=problem):
                return f"refused with {problem.code} {problem.type}: {problem.detail}"
            case Local(name=name):
                return f"answered by the gateway itself: {name}"
            case Stream(topic=topic):
                return f"streamed from the hub: {topic}"
            case NeedKeys() | NeedCount() as need:
                return f"cannot be told from here: {_lacking(need)}"

    @property
    def headers(self) -> Fields:
        """The fields that the decision adds to the answer."""
        match self.decision:
            case Forward(answer_headers=headers) | Refuse(headers=headers) | Local(headers=headers):
                return headers
            case Stream(answer_headers=headers):
                return headers
            case NeedKeys() | NeedCount():
                return ()

    def document(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        return {
            "request": self.request,
            "at": self.at,
            "stages": [asdict(stage) for stage in self.stages],
            "decision": _decision(self.decision),
            "answer_headers": [list(field) for field in self.headers],
        }


def explained(head: RequestHead, snapshot: Snapshot, now: float, claims: Mapping[str, Any] | None) -> Explanation:
    """Decide with a trace. Given claims stand for a token; without them the request's own token is verified."""
    memory = Memory.fresh() if claims is None else Memory.fresh(GivenClaims(claims))
    if claims is not None and head.get("authorization") is None:
        head = RequestHead(head.method, head.path, head.query, head.peer, {**head.lookup, **GIVEN})
    trace = Trace()
    decision = decide(head, snapshot, now, memory, trace)
    return Explanation(head, now, tuple(trace.stages), decision)


def _decision(decision: Decision) -> dict[str, Any]:
    match decision:
        case Forward() as forward:
            return {
                "kind": "forward",
                "owner": forward.target.owner,
                "endpoint": forward.target.label,
                "upstream": forward.upstream,
                "side": forward.side,
                "phase": forward.phase,
                "method": forward.method,
                "path": forward.path,
                "query": forward.query,
                "adapter": forward.adapter.name if forward.adapter is not None else None,
                "consumer": forward.caller.consumer,
                "reason": forward.reason,
            }
        case Refuse(problem=problem, reason=reason):
            return {
                "kind": "refuse",
                "status": problem.code,
                "type": problem.type,
                "detail": problem.detail,
                "reason": reason,
            }
        case Local(name=name):
            return {"kind": "local", "name": name}
        case Stream() as stream:
            return {
                "kind": "stream",
                "owner": stream.target.owner,
                "endpoint": stream.target.label,
                "topic": stream.topic,
                "phase": stream.phase,
                "consumer": stream.caller.consumer,
            }
        case NeedKeys() | NeedCount() as need:
            return {"kind": "unknown", "reason": _lacking(need)}


def _lacking(need: Need) -> str:
    match need:
        case NeedKeys(url=url):
            return f"the token's key is one of those at {url}; give its claims instead of it"
        case NeedCount(charges=charges):
            return f"{', '.join(charge.quota.name for charge in charges)} is counted elsewhere"
