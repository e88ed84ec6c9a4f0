"""The Snapshot: everything the data plane knows, compiled from the file, immutable and handed over whole."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self
from urllib.parse import unquote

from gateway.config.cors import CorsPolicy, compile_cors
from gateway.config.deprecation import Deprecation
from gateway.config.fallback import FallbackRule
from gateway.config.identity import Condition, Identity, IdentityKind
from gateway.config.issuer import AuthPolicy
from gateway.config.live import UNCHANGED, Live, LiveMigration
from gateway.config.own_path import own_paths
from gateway.config.schema import Realtime, Server, Upstream
from gateway.config.shadow import ShadowRule
from gateway.config.template import PathTemplate, Rewrite
from gateway.config.translation import Adapter
from gateway.core.block import Block, render


class Side(StrEnum):
    """The two sides of a migration."""

    LEGACY = "legacy"
    SUCCESSOR = "successor"


class AuthMode(StrEnum):
    """Whether an endpoint needs a token. `none` does not look at it, `optional` refuses only a bad one."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a caller must have: every term has one of its values, and one set of `scopes`, if there are any, is granted.

    `challenge` is the value of `WWW-Authenticate` for who has not.
    """

    terms: tuple[tuple[Identity, frozenset[str]], ...] = ()
    scopes: tuple[frozenset[str], ...] = ()
    challenge: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """RFC 6750 section 3: `scope` tells what is needed, where there is no choice."""
        needed = f', scope="{" ".join(sorted(self.scopes[0]))}"' if len(self.scopes) == 1 else ""
        object.__setattr__(self, "challenge", f'Bearer error="insufficient_scope"{needed}')

    def __str__(self) -> str:
        terms = [f"{identity}={'|'.join(sorted(values))}" for identity, values in self.terms]
        scopes = "|".join(" ".join(sorted(needed)) for needed in self.scopes)
        return " and ".join([*terms, f"scope={scopes}"] if scopes else terms)


@dataclass(frozen=True, slots=True, eq=False)
class Quota:
    """`quota` units in `window` seconds for each value of an identity in `by` (first that is present).

    `is_by_consumer` says that these are the consumer's identities. The first of `tiers` whose `when` holds counts in
    this one's place. A request takes `cost` units, which are `increment` seconds of the window; `tolerance` is the rest
    of it, and `rate` units a second. `policy` is the quota's item in `RateLimit-Policy`; `opening` is all that its
    answers say of it before the units that are left. `is_by_claims`: nothing but a token's claims decides whether and
    how it counts, as long as they have the first identity of `by`. Variants of one quota share their name and their
    counts.
    """

    name: str
    quota: int
    window: float
    by: tuple[Identity, ...]
    when: Condition | None = None
    is_by_consumer: bool = False
    tiers: tuple[Self, ...] = ()
    cost: int = 1
    is_leased: bool = False
    is_shadow: bool = False
    has_legacy_headers: bool = False
    rate: float = field(init=False, repr=False, compare=False)
    increment: float = field(init=False, repr=False, compare=False)
    tolerance: float = field(init=False, repr=False, compare=False)
    policy: str = field(init=False, repr=False, compare=False)
    opening: str = field(init=False, repr=False, compare=False)
    is_by_claims: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        increment = self.window * self.cost / self.quota
        object.__setattr__(self, "rate", self.quota / self.window)
        object.__setattr__(self, "increment", increment)
        object.__setattr__(self, "tolerance", self.window - increment)
        policy = f'"{self.name}";q={self.quota};w={max(1, math.ceil(self.window))}'
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "opening", f'RateLimit-Policy: {policy}\r\nRateLimit: "{self.name}";r=')
        conditions = [self.when, *[tier.when for tier in self.tiers]]
        asked = [identity for when in conditions if when is not None for identity, _ in when.terms]
        is_by_claims = all(identity.kind is IdentityKind.CLAIM for identity in (*self.by[:1], *asked))
        object.__setattr__(self, "is_by_claims", is_by_claims)

    def costing(self, cost: int) -> "Quota":
        """Return the variant of which each request takes so many units."""
        if cost == self.cost:
            return self
        return replace(self, cost=cost, tiers=tuple(tier.costing(cost) for tier in self.tiers))


@dataclass(frozen=True, slots=True)
class Pin:
    """Puts a caller on one side whatever the percent."""

    to: Side
    when: Condition


@dataclass(frozen=True, slots=True)
class Rollout:
    """The live split of one migration; `threshold` is percent × 1000: the unit of a bucket (0 … 99 999).

    `is_by_token`: nothing but the token's claims decides, as long as it has the first identity of `by`.
    """

    threshold: int
    by: tuple[Identity, ...]
    salt: bytes
    pins: tuple[Pin, ...] = ()
    is_by_token: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pinned = [identity for pin in self.pins for identity, _ in pin.when.terms]
        is_by_token = all(identity.kind is IdentityKind.CLAIM for identity in (*self.by[:1], *pinned))
        object.__setattr__(self, "is_by_token", is_by_token)

    @property
    def percent(self) -> float:
        """The share of stickiness keys that the successor serves, 0–100."""
        return self.threshold / 1000


@dataclass(frozen=True, slots=True)
class Migration:
    """One API area on its way from `legacy` to `successor` (names of upstreams).

    `exceptions` are the calendars of endpoints that have their own, by label.
    """

    name: str
    title: str
    legacy: str
    successor: str
    rollout: Rollout
    deprecation: Deprecation | None = None
    exceptions: Mapping[str, Deprecation] = field(default_factory=dict)

    def calendar(self, endpoint: "Endpoint") -> Deprecation | None:
        """Return the calendar that an endpoint of this migration goes by."""
        return self.exceptions[endpoint.label] if endpoint.has_own_dates else self.deprecation

    def turned(self, live: LiveMigration) -> Self:
        """Return the migration with these live values."""
        rollout, deprecation = self.rollout, self.deprecation
        if live.percent is not None:
            rollout = replace(rollout, threshold=round(live.percent * 1000))
        if deprecation is not None:
            deprecation = deprecation.turned(live)
        exceptions = {label: own.turned(live) for label, own in self.exceptions.items()}
        return replace(self, rollout=rollout, deprecation=deprecation, exceptions=exceptions)

    def keeping(self, known: Self) -> Self:
        """Return the migration with known calendars where they are equal: where paths stand in one is remembered."""
        deprecation = known.deprecation if self.deprecation == known.deprecation else self.deprecation
        exceptions = known.exceptions if self.exceptions == known.exceptions else self.exceptions
        return replace(self, deprecation=deprecation, exceptions=exceptions)


@dataclass(frozen=True, slots=True)
class HubTopic:
    """A path that the hub serves: with a stream of the topic, or with its newest message if it is `fresh` (seconds).

    `topic` has the path's parameters in it; `{sub}` is left out at its end, which means the caller's own.
    """

    path: PathTemplate
    topic: str
    fresh: float = 0.0

    def of(self, path: str) -> str:
        """Return the topic that a raw path means; what no topic can have stays as it is, and is no topic."""
        values = self.path.match(path) or {}
        text = self.topic.removesuffix(":{sub}") if "sub" not in values else self.topic
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", unquote(value))
        return text


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One `METHOD /path/{template}` of a migration with its successor, and its policy.

    `owner` is the migration's name: its live values are found in the snapshot. `label` is
    `GET /api/favorites/{stock_code}`, the `endpoint` label of metrics; `rewrite` makes a successor's path of a legacy
    one. `shadows` are quotas that only watch. With a `stream` it is served from the hub, with a `relief` it may be.
    `has_own_dates`: the migration has an exception for it. `fallback` is None where the successor's answer is never
    replaced, `shadow` where legacy's is never compared; `is_plain`: a request needs nothing but its exchange.
    """

    owner: str
    method: str
    template: PathTemplate
    successor_method: str
    successor_template: PathTemplate
    auth: AuthMode
    quotas: tuple[Quota, ...]
    adapter: Adapter | None = None
    require: Requirement | None = None
    shadows: tuple[Quota, ...] = ()
    stream: HubTopic | None = None
    relief: HubTopic | None = None
    has_own_dates: bool = False
    fallback: FallbackRule | None = None
    shadow: ShadowRule | None = None
    is_plain: bool = field(init=False, repr=False, compare=False)
    label: str = field(init=False, repr=False, compare=False)
    rewrite: Rewrite = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.method} {self.template}")
        is_plain = self.fallback is None and self.shadow is None and self.relief is None
        object.__setattr__(self, "is_plain", is_plain)
        object.__setattr__(self, "rewrite", Rewrite(self.template, self.successor_template))


@dataclass(frozen=True, slots=True)
class Route:
    """A path that is not migrated: policy and forwarding only. `method` None means any; `upgrade` allows tunnels.

    `label` is `* /api/screening/{rest*}`, the `endpoint` label of metrics, `owner` its own name. `shadows` are quotas
    that only watch. With a `stream` it is served from the hub, with a `relief` it may be.
    """

    name: str
    method: str | None
    template: PathTemplate
    upstream: str
    auth: AuthMode
    quotas: tuple[Quota, ...]
    upgrade: bool = False
    require: Requirement | None = None
    shadows: tuple[Quota, ...] = ()
    stream: HubTopic | None = None
    relief: HubTopic | None = None
    is_plain: bool = field(init=False, repr=False, compare=False)
    label: str = field(init=False, repr=False, compare=False)
    owner: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.method or '*'} {self.template}")
        object.__setattr__(self, "owner", self.name)
        object.__setattr__(self, "is_plain", self.relief is None)


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """What is known of a path after some of its segments: where the next one leads, and who it is for if it ends here.

    A segment leads to its entry in `literals`, else to `other`; None is a dead end. `targets` are by method, with HEAD
    where GET is; `otherwise` takes the other methods; `allow` names the methods when there is nobody who does.
    """

    literals: dict[str, "Node | None"] = field(default_factory=dict)
    other: "Node | None" = None
    targets: dict[str, Endpoint | Route] = field(default_factory=dict)
    otherwise: Route | None = None
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Router:
    """Where requests go by path: migrations' endpoints most specific first, then routes in file order.

    `root` begins before the first slash.
    """

    root: Node


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rules at one moment. `revision` counts applied configurations, `digest` starts the file's SHA-256 in hex.

    `intended` are the migrations as the file has them, `migrations` with the values of `live`. `served_by` is the
    version header for each upstream's answers; `cors` is None without `server.cors`, `realtime` without a hub.
    `own_paths` are those that the gateway answers itself, with what they are called.
    """

    revision: int
    digest: str
    server: Server
    upstreams: Mapping[str, Upstream]
    router: Router
    auth: AuthPolicy
    intended: Mapping[str, Migration]
    migrations: Mapping[str, Migration]
    endpoints: tuple[Endpoint, ...]
    routes: tuple[Route, ...]
    live: Live = UNCHANGED
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    realtime: Realtime | None = None
    own_paths: Mapping[str, str] = field(init=False, repr=False, compare=False)
    served_by: Mapping[str, Block] = field(init=False, repr=False, compare=False)
    cors: CorsPolicy | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        name = self.server.version_header
        # A legacy side that is removed need not be configured any more; a clock that is set back may still name it.
        upstreams = {*self.upstreams, *(migration.legacy for migration in self.intended.values())}
        blocks = {upstream: render(((name, upstream),)) if name is not None else "" for upstream in upstreams}
        object.__setattr__(self, "served_by", blocks)
        object.__setattr__(self, "cors", compile_cors(self.server))
        object.__setattr__(self, "own_paths", own_paths(self.realtime))

    @property
    def consumer(self) -> tuple[Identity, ...]:
        """The identities of whom calls."""
        return self.auth.consumer

    def turned(self, live: Live) -> Self:
        """Return the same rules with these live values; a migration that they leave as it is stays the same object."""
        return replace(self, live=live, migrations={name: self._turned(name, live) for name in self.intended})

    def _turned(self, name: str, live: Live) -> Migration:
        values, before = live.migrations.get(name), self.live.migrations.get(name)
        if values == before:
            return self.migrations[name]
        if values is None:
            return self.intended[name]
        return self.intended[name].turned(values).keeping(self.migrations[name])

    def __repr__(self) -> str:
        return f"<Snapshot {self.revision} {self.digest}: {len(self.endpoints)} endpoints, {len(self.routes)} routes>"
