"""The one place where a request's fate is decided: steps 2 to 6 of its life, without I/O.

The same function serves traffic, `crossfade explain` (with a Trace), rollout previews and the rehearsal header (with
another moment). Its only state is passed in as Memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from gateway.config.snapshot import Endpoint, HubTopic, Route, Side, Snapshot
from gateway.core.block import Block, fields
from gateway.core.errors import Problem, ProblemType
from gateway.core.http import RequestHead
from gateway.policy import charging, cors, identity, permission, ratelimit
from gateway.policy.adapt import adapt_query
from gateway.policy.auth import TokenCache, Verifier
from gateway.policy.cohort import Assignment, assign_token
from gateway.policy.decision import Caller, Decision, Forward, Local, NeedCount, NeedKeys, Refuse, Stream
from gateway.policy.phase import Phase, Stand, window
from gateway.policy.phase import stand as stand_of
from gateway.policy.quota import Charge, Counting, QuotaTable, Verdict
from gateway.policy.refusal import AuthError, KeysUnavailableError, MissingKeyError
from gateway.policy.route import Miss, Place, Places, UnsafePathError, canonical
from gateway.policy.trace import Trace
from gateway.policy.verified import NOBODY, Verified

REHEARSE = "crossfade-rehearse"
EVERYBODYS = frozenset({Phase.PARALLEL, Phase.DEPRECATED})
"""Phases that are the same for all consumers: until the next edge of the calendar they need not be worked out again."""
RETRY_SECONDS: Final = "5"
UNVERIFIABLE: Final = Problem(
    ProblemType.OVERLOADED, "Tokens of this issuer cannot be checked now: its keys cannot be fetched."
)
SUCCESSOR: Final = Side.SUCCESSOR
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Memory:
    """What decisions may remember: tokens, quota counts and where paths lead. Explanations pass a fresh one.

    Once a Need has been fulfilled, one of the first two is replaced by what knows the answer. `counted` is what the
    answer is about: while the rules are the same, the decision goes on from there.
    """

    tokens: Verifier
    quotas: Counting
    places: Places
    counted: NeedCount | None = None

    @classmethod
    def fresh(cls, tokens: Verifier | None = None) -> Self:
        """Return a memory that remembers nothing yet."""
        return cls(tokens if tokens is not None else TokenCache(), QuotaTable(), Places())


def decide(
    head: RequestHead,
    snapshot: Snapshot,
    now: float,
    memory: Memory,
    trace: Trace | None = None,
    *,
    is_marked: bool = False,
) -> Decision:
    """Decide what happens to a request at `now` (Unix seconds). `is_marked`: what CORS says of it, somebody else does.

    Here and in `_proceed` the usual request, whose path and token are known, passes without a call for each step: what
    it needs was worked out before. The steps that have to look closer are functions of their own.
    """
    if snapshot.cors is not None and not is_marked:
        preflight = cors.preflight(head, snapshot.cors, snapshot, trace)
        return preflight or cors.mark(decide(head, snapshot, now, memory, trace, is_marked=True), head, snapshot.cors)
    counted = memory.counted
    if counted is not None and counted.snapshot is snapshot:
        return _resume(head, snapshot, counted, now, memory, trace)
    place = memory.places.known.get((head.method, head.path))
    if place is None or place.snapshot is not snapshot or trace is not None:
        found = _route(head, snapshot, memory, trace)
        if not isinstance(found, Place):
            return found
        place = found
    authorization = head.lookup.get("authorization")
    if place.needs_token or (authorization is not None and place.takes_token):
        try:
            token = memory.tokens.verify(authorization, snapshot.auth, now)
        except (AuthError, MissingKeyError, KeysUnavailableError) as failure:
            return _unverified(failure, place.target, trace)
    else:
        token = NOBODY
    ip = head.peer
    if place.hops:
        ip = identity.client_ip(head, place.hops)
    caller: Caller | None = token.caller
    if caller is None or caller.ip != ip:
        caller = _caller(head, snapshot, token, ip)
    if place.require is not None or trace is not None:
        refusal = _examine(head, place, caller, trace)
        if refusal is not None:
            return refusal
    charges = token.charges.get(place.quotas)
    if charges is None:
        charges = charging.charge(place.quotas, head, caller)
    return _proceed(head, snapshot, place, caller, charges, now, memory, trace)


def _resume(
    head: RequestHead, snapshot: Snapshot, counted: NeedCount, now: float, memory: Memory, trace: Trace | None
) -> Decision:
    """Go on where counting was left to others; by other rules the place may have served other requests meanwhile."""
    if counted.place.snapshot is not snapshot:
        counted.place.follow(snapshot)
    return _proceed(head, snapshot, counted.place, counted.caller, counted.charges, now, memory, trace)


def _proceed(
    head: RequestHead,
    snapshot: Snapshot,
    place: Place,
    caller: Caller,
    charges: Sequence[Charge],
    now: float,
    memory: Memory,
    trace: Trace | None,
) -> Decision:
    """Go on from where it is known who calls what: count, see how the endpoint stands, choose a side."""
    if charges:
        limits = memory.quotas.grant(charges, now) if trace is None else None
        if limits is None:
            counted = _count(snapshot, place, caller, charges, now, memory, trace)
            if isinstance(counted, Refuse | NeedCount):
                return counted
            limits = counted
    else:
        limits = ""
        if trace is not None:
            trace.uncounted(place.target)
    phase, said = place.phase, None
    if place.is_special or now < place.since or now >= place.until or trace is not None:
        stand = _look_closer(head, place, caller, now, limits, memory, trace)
        if isinstance(stand, Refuse | Stream):
            return stand
        if stand is not None:
            phase, said = stand.phase, stand.notices
    migration, token = place.migration, caller.token
    if migration is None:
        return _forward_route(head, place, caller, limits, trace)
    assignment: Assignment | None = token.sides.get(migration.name)
    if assignment is None or assignment.rollout is not migration.rollout:
        assignment = assign_token(migration, head, token, caller.ip)
    way = place.successor if assignment.side is SUCCESSOR else place.legacy
    notices = way.notices
    if said is not None:
        notices = f"{said}{way.served_by}"
    adapter = way.adapter
    query = head.query if adapter is None else adapt_query(adapter, head.query)
    # By position: by name it costs more than twice as much.
    forward = Forward(
        place.target, way.upstream, way.method, way.path, query, caller, place.drop, token.identity, limits + notices,
        assignment.side, phase, adapter, assignment,
    )  # fmt: skip
    if trace is not None:
        trace.sided(migration, assignment, way.upstream)
        trace.forwarded(head, forward)
    return forward


def parse_moment(text: str) -> float:
    """Return Unix seconds for an ISO 8601 date or time of 1970 to 9999, UTC without a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds < END_OF_TIME:
        raise ValueError("outside of the calendar")
    return seconds


def _serve_here(name: str, head: RequestHead, trace: Trace | None) -> Local | Refuse:
    if head.method not in {"GET", "HEAD"}:
        return _method_not_allowed(head, ("GET", "HEAD"), trace)
    if trace is not None:
        trace.served_here(head, name)
    return Local(name)


def _route(head: RequestHead, snapshot: Snapshot, memory: Memory, trace: Trace | None) -> Place | Refuse | Local:
    """Find out what is called. What is remembered as a place of this snapshot, is no path of the gateway's own."""
    local = snapshot.own_paths.get(head.path)
    if local is not None:
        return _serve_here(local, head, trace)
    try:
        place = memory.places.find(snapshot, head.method, head.path)
    except UnsafePathError as error:
        if trace is not None:
            trace.refused_path(head, str(error))
        return Refuse(Problem(ProblemType.MALFORMED_REQUEST, f"Unsafe path: {error}."), "unsafe_path")
    if isinstance(place, Miss):
        return _miss(head, place, trace)
    if trace is not None:
        trace.routed(head, place.target)
    return place


def _miss(head: RequestHead, miss: Miss, trace: Trace | None) -> Refuse:
    if miss.allow:
        return _method_not_allowed(head, miss.allow, trace)
    if trace is not None:
        trace.missed(head, ())
    return Refuse(Problem(ProblemType.NOT_FOUND, "No endpoint or route has this path."), "no_route")


def _method_not_allowed(head: RequestHead, allow: tuple[str, ...], trace: Trace | None) -> Refuse:
    if trace is not None:
        trace.missed(head, allow)
    listed = ", ".join(allow)
    problem = Problem(ProblemType.METHOD_NOT_ALLOWED, f"Allowed here: {listed}.")
    return Refuse(problem, "method", headers=(("Allow", listed),))


def _unverified(
    failure: AuthError | MissingKeyError | KeysUnavailableError, target: Endpoint | Route, trace: Trace | None
) -> Refuse | NeedKeys:
    match failure:
        case AuthError():
            if trace is not None:
                trace.turned_away(target.auth, failure)
            problem = Problem(ProblemType.UNAUTHENTICATED, f"{failure.description.capitalize()}.")
            return Refuse(problem, failure.reason, target, headers=(("WWW-Authenticate", failure.challenge),))
        case MissingKeyError():
            return NeedKeys(target, failure.url, failure.kid)
        case KeysUnavailableError():
            return Refuse(UNVERIFIABLE, "keys_unavailable", target, headers=(("Retry-After", RETRY_SECONDS),))


def _caller(head: RequestHead, snapshot: Snapshot, token: Verified, ip: str) -> Caller:
    """Find out who calls, and remember it with the token that says so by itself."""
    consumer, key = token.consumer or charging.consumer(snapshot.consumer, head, token.texts, ip)
    caller = Caller(ip, token, consumer, key)
    if token.consumer is not None:
        token.caller = caller
    return caller


def _examine(head: RequestHead, place: Place, caller: Caller, trace: Trace | None) -> Refuse | None:
    """Refuse a caller who lacks what is required."""
    if trace is not None:
        trace.authenticated(place.target.auth, caller)
    requirement = place.require
    if requirement is None:
        return None
    missing = permission.missing(requirement, head, caller.token)
    if trace is not None:
        trace.permitted(requirement, missing)
    if missing is None:
        return None
    problem = Problem(ProblemType.FORBIDDEN, f"The caller lacks {missing}.")
    return Refuse(problem, "forbidden", place.target, caller, (("WWW-Authenticate", requirement.challenge),))


def _count(
    snapshot: Snapshot,
    place: Place,
    caller: Caller,
    charges: Sequence[Charge],
    now: float,
    memory: Memory,
    trace: Trace | None,
) -> Block | Refuse | NeedCount:
    verdict = memory.quotas.count(charges, now)
    if verdict is None:
        return NeedCount(place, charges, caller, snapshot)
    if trace is not None:
        trace.counted(charges, verdict)
    limits = ratelimit.block(charges, verdict)
    return limits if verdict.is_allowed else _used_up(verdict, place.target, caller, limits)


def _used_up(verdict: Verdict, target: Endpoint | Route, caller: Caller, limits: Block) -> Refuse:
    detail = f"The quota {verdict.quota.name} is used up; try again in {verdict.retry_after} s."
    problem = Problem(ProblemType.QUOTA_EXCEEDED, detail, members={"quota": verdict.quota.name})
    return Refuse(problem, f"quota:{verdict.quota.name}", target, caller, fields(limits))


def _look_closer(
    head: RequestHead, place: Place, caller: Caller, now: float, limits: Block, memory: Memory, trace: Trace | None
) -> Stand | Refuse | Stream | None:
    """Do what only some requests need between counting and forwarding; return how the endpoint stands, if not at all.

    For a place that is not special, while its stand is known, this would return just that.
    """
    target = place.target
    if target.shadows:
        charges = caller.token.charges.get(target.shadows)
        memory.quotas.observe(charges if charges is not None else charging.charge(target.shadows, head, caller), now)
    stand = _phase(head, target, caller, place, now, limits, trace) if isinstance(target, Endpoint) else None
    if isinstance(stand, Refuse) or target.stream is None:
        return stand
    return _stream(head, target, target.stream, caller, stand, limits, trace)


def _phase(
    head: RequestHead, target: Endpoint, caller: Caller, place: Place, now: float, limits: Block, trace: Trace | None
) -> Stand | Refuse | None:
    deprecation = place.calendar
    if deprecation is None:
        if trace is not None:
            trace.undated()
        return None
    rehearsed = head.lookup.get(REHEARSE) if deprecation.rehearsal else None
    if rehearsed is None and place.since <= now < place.until and trace is None:
        return place.stand
    try:
        moment = parse_moment(rehearsed) if rehearsed is not None else now
    except ValueError:
        if trace is not None:
            trace.unrehearsed(str(rehearsed))
        detail = "Crossfade-Rehearse must be an ISO 8601 date such as 2027-02-01."
        return Refuse(Problem(ProblemType.MALFORMED_REQUEST, detail), "rehearsal", target, caller, fields(limits))
    stand = stand_of(deprecation, moment, caller.consumer, place.path)
    if rehearsed is not None and stand.problem is None:
        # A rehearsal shows what will be closed; it must not open what is closed already.
        real = stand_of(deprecation, now, caller.consumer, place.path)
        if real.problem is not None:
            moment, rehearsed, stand = now, None, real
    if trace is not None:
        trace.dated(moment, rehearsed is not None, stand)
    if stand.problem is None:
        if moment == now and stand.phase in EVERYBODYS:
            place.stay(stand, *window(deprecation, now))
        return stand
    return Refuse(stand.problem, f"phase:{stand.phase}", target, caller, fields(limits + stand.notices))


def _stream(
    head: RequestHead,
    target: Endpoint | Route,
    stream: HubTopic,
    caller: Caller,
    stand: Stand | None,
    limits: Block,
    trace: Trace | None,
) -> Stream:
    topic = stream.of(canonical(head.path))
    if trace is not None:
        trace.streamed(head, topic)
    notices = stand.notices if stand is not None else ""
    return Stream(target, caller, topic, limits + notices, stand.phase if stand is not None else None)


def _forward_route(head: RequestHead, place: Place, caller: Caller, limits: Block, trace: Trace | None) -> Forward:
    way, token = place.legacy, caller.token
    forward = Forward(
        place.target, way.upstream, way.method, way.path, head.query, caller, place.drop, token.identity,
        limits + way.notices,
    )  # fmt: skip
    if trace is not None:
        trace.unsided(way.upstream)
        trace.forwarded(head, forward)
    return forward
