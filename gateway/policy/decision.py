"""What the policy answers with: forward, refuse, serve here, or what must be asked of others before it can tell.

All of it is read-only once made; it is not frozen only because that makes making it several times dearer. What every
forwarded request needs has its `__init__` written out: compiled, a generated one would still be interpreted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.config.snapshot import Endpoint, Route, Side, Snapshot
from gateway.config.translation import Adapter
from gateway.core.block import Block, fields
from gateway.core.errors import Problem
from gateway.core.http import Fields
from gateway.policy.cohort import Assignment
from gateway.policy.phase import Phase
from gateway.policy.quota import Charge
from gateway.policy.route import Place
from gateway.policy.verified import NOBODY, Claims, Verified


@dataclass(slots=True, init=False)
class Caller:
    """Who calls, as far as the policy could find out.

    `consumer` is None when no configured identity is present; `key` is what quotas by consumer count.
    """

    ip: str
    token: Verified
    consumer: str | None
    key: str

    def __init__(self, ip: str, token: Verified, consumer: str | None, key: str) -> None:
        self.ip = ip
        self.token = token
        self.consumer = consumer
        self.key = key

    @property
    def claims(self) -> Claims | None:
        """The token's claims; None when no token was looked at."""
        return self.token.claims if self.token is not NOBODY else None


@dataclass(slots=True)
class Local:
    """One of the gateway's own paths: `health`, or `api-migrations`; or a `preflight`, answered with these fields."""

    name: str
    headers: Fields = ()


@dataclass(slots=True)
class Refuse:
    """The gateway answers itself with a problem; `headers` are the answer's own besides the problem's standard ones.

    `target` is None while the request has not matched anything; `reason` is a short word for metrics and logs.
    """

    problem: Problem
    reason: str
    target: Endpoint | Route | None = None
    caller: Caller | None = None
    headers: Fields = ()


@dataclass(slots=True, init=False)
class Forward:
    """The request goes to `upstream` as `method target`.

    `drop` are lower-case names of fields that must not reach the upstream, nor may those with `_` for `-`; `identity`
    holds the fields that are set instead. The fields of `notices` are set on the answer: they replace the upstream's of
    the same name, except that `Link` and `Vary` are added to its own. `add` and `answer_headers` are the same fields
    one by one. `side` is None for a plain route. `phase` is None without a deprecation.
    """

    target: Endpoint | Route
    upstream: str
    method: str
    path: str
    query: str
    caller: Caller
    drop: frozenset[str]
    identity: Block
    notices: Block
    side: Side | None = None
    phase: Phase | None = None
    adapter: Adapter | None = None
    assignment: Assignment | None = None

    def __init__(
        self,
        target: Endpoint | Route,
        upstream: str,
        method: str,
        path: str,
        query: str,
        caller: Caller,
        drop: frozenset[str],
        identity: Block,
        notices: Block,
        side: Side | None = None,
        phase: Phase | None = None,
        adapter: Adapter | None = None,
        assignment: Assignment | None = None,
    ) -> None:
        self.target = target
        self.upstream = upstream
        self.method = method
        self.path = path
        self.query = query
        self.caller = caller
        self.drop = drop
        self.identity = identity
        self.notices = notices
        self.side = side
        self.phase = phase
        self.adapter = adapter
        self.assignment = assignment

    @property
    def reason(self) -> str:
        """Why it goes there, in one phrase."""
        return self.assignment.reason if self.assignment is not None else "plain route"

    @property
    def add(self) -> Fields:
        """The fields of `identity`."""
        return fields(self.identity)

    @property
    def answer_headers(self) -> Fields:
        """The fields of `notices`."""
        return fields(self.notices)


@dataclass(slots=True)
class Stream:
    """The hub serves the request: with a stream of `topic`, as the path means it. `notices` are set on the answer.

    `phase` is None without a deprecation.
    """

    target: Endpoint | Route
    caller: Caller
    topic: str
    notices: Block
    phase: Phase | None = None

    @property
    def answer_headers(self) -> Fields:
        """The fields of `notices`."""
        return fields(self.notices)


@dataclass(slots=True)
class NeedKeys:
    """The token names a key that is not known: the keys at `url` must be fetched (again) before anybody can tell.

    `kid` is None where the token names none, which is asked only as long as no keys have been fetched at all. `target`
    is None for a path of the gateway's own.
    """

    target: Endpoint | Route | None
    url: str
    kid: str | None


@dataclass(slots=True)
class NeedCount:
    """These charges are counted elsewhere: all of them, or none when one of the quotas is used up.

    The rest is how far the decision had come, by which rules.
    """

    place: Place
    charges: Sequence[Charge]
    caller: Caller
    snapshot: Snapshot

    @property
    def target(self) -> Endpoint | Route:
        """Whom the request is for."""
        return self.place.target


type Need = NeedKeys | NeedCount
"""What must be asked of others. Who has asked decides again, with a Memory that knows the answer and asks no more."""

type Decision = Forward | Refuse | Local | Stream | Need
