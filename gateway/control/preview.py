"""Who moves when a percent changes: the ledger's callers, decided by the real `decide` under both percents. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from gateway.config.identity import Identity, IdentityKind
from gateway.config.live import LiveMigration
from gateway.config.snapshot import Side, Snapshot
from gateway.control.usage import Usage
from gateway.core.block import Block
from gateway.core.http import RequestHead
from gateway.observability.use import OTHERS
from gateway.policy.auth import GivenClaims
from gateway.policy.cohort import side
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward
from gateway.policy.profile import BUCKET
from gateway.policy.quota import Charge, Verdict
from gateway.policy.route import Places

SHOWN: Final = 100
"""So many consumers are named; the others are counted."""
MIXES: Final = 10

type Judged = Side | None
"""None: it would not be forwarded at all."""


@dataclass(slots=True)
class Moving:
    """One consumer that moves, in whole or in part: how many of its keys (users, sessions) do, and their requests."""

    consumer: str
    keys: int = 0
    keys_moving: int = 0
    requests: int = 0
    requests_moving: int = 0


@dataclass(slots=True)
class Preview:
    """What a change of one migration's percent does to the callers of the days before.

    Requests are those to the migration's legacy endpoints. `moving` are consumers whose keys move to the successor,
    `moved_back` those that move to legacy: none when the percent rises. `unnamed` requests were counted without a
    caller. `tiers` is the mix of those who move, by claim or header and value, in keys.
    """

    migration: str
    percent: float
    wanted: float
    keys: int = 0
    keys_moving: int = 0
    requests: int = 0
    requests_moving: int = 0
    unnamed: int = 0
    moving: Sequence[Moving] = ()
    moved_back: Sequence[Moving] = ()
    tiers: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of requests that moves, 0–1."""
        return self.requests_moving / self.requests if self.requests else 0.0

    def document(self) -> dict[str, Any]:
        """Return it as JSON values; at most SHOWN consumers of each kind are named."""
        return {
            "migration": self.migration,
            "from": self.percent,
            "to": self.wanted,
            "keys": {"known": self.keys, "moving": self.keys_moving},
            "requests": {
                "known": self.requests,
                "moving": self.requests_moving,
                "share": round(self.share, 4),
                "unnamed": self.unnamed,
            },
            "consumers": {"moving": len(self.moving), "moved_back": len(self.moved_back)},
            "moving": [_described(one) for one in self.moving[:SHOWN]],
            "moved_back": [_described(one) for one in self.moved_back[:SHOWN]],
            "and_others": max(0, len(self.moving) - SHOWN) + max(0, len(self.moved_back) - SHOWN),
            "tiers": self.tiers,
            "nobody_moves_back": not self.moved_back,
        }


@dataclass(slots=True)
class _Key:
    """One stickiness key's requests: all, those that move to the successor, and those that move to legacy."""

    requests: int = 0
    gained: int = 0
    lost: int = 0


def preview(snapshot: Snapshot, migration: str, percent: float, rows: Iterable[Usage], now: float) -> Preview:
    """Decide every caller of `rows` as things are, and with the percent (0–100) that is wanted."""
    before = _sides(snapshot, migration)
    after = _sides(_turned(snapshot, migration, percent), migration)
    keys: dict[tuple[str, str], _Key] = {}
    unnamed = 0
    for (consumer, profile, endpoint), requests in _callers(rows, migration).items():
        if not profile:
            unnamed += requests
            continue
        values = orjson.loads(profile)
        old, new = before(values, endpoint, now), after(values, endpoint, now)
        key = keys.setdefault((consumer, profile), _Key())
        key.requests += requests
        if None not in (old, new) and old is not new:
            key.gained += requests * (new is Side.SUCCESSOR)
            key.lost += requests * (new is Side.LEGACY)
    moving = [(known, key) for known, key in keys.items() if key.gained or key.lost]
    return Preview(
        migration,
        snapshot.migrations[migration].rollout.percent,
        percent,
        keys=len(keys),
        keys_moving=len(moving),
        requests=sum(key.requests for key in keys.values()),
        requests_moving=sum(key.gained + key.lost for _, key in moving),
        unnamed=unnamed,
        moving=_consumers(keys, lambda key: key.gained),
        moved_back=_consumers(keys, lambda key: key.lost),
        tiers=_mix((orjson.loads(profile) for (_, profile), _ in moving), snapshot.migrations[migration].rollout.by),
    )


def _consumers(keys: Mapping[tuple[str, str], _Key], moved: Callable[[_Key], int]) -> list[Moving]:
    """Return the consumers with moved requests, most of them first."""
    found: dict[str, Moving] = {}
    for (consumer, _), key in keys.items():
        one = found.setdefault(consumer, Moving(consumer))
        one.keys += 1
        one.requests += key.requests
        one.keys_moving += moved(key) > 0
        one.requests_moving += moved(key)
    moving = [one for one in found.values() if one.requests_moving]
    return sorted(moving, key=lambda one: (-one.requests_moving, one.consumer))


class _Unlimited:
    """Counts nothing and lets everybody through."""

    def grant(self, charges: Sequence[Charge], now: float) -> Block:
        """Nobody reads what the answer says."""
        return ""

    def count(self, charges: Sequence[Charge], _now: float) -> Verdict | None:
        quota = charges[0].quota
        return Verdict(quota, quota.quota, 0)

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        """Nobody watches a preview."""


def _sides(snapshot: Snapshot, migration: str) -> Callable[[Mapping[str, Any], str, float], Judged]:
    """Return what decides by a snapshot."""
    quotas, places = _Unlimited(), Places()
    rollout = snapshot.migrations[migration].rollout

    def judged(values: Mapping[str, Any], endpoint: str, now: float) -> Judged:
        memory = Memory(GivenClaims(_named(values, IdentityKind.CLAIM)), quotas, places)
        decision = decide(_head(values, endpoint), snapshot, now, memory)
        if not isinstance(decision, Forward) or decision.assignment is None:
            return None
        if decision.assignment.pin is None and BUCKET in values:
            return side(rollout, values[BUCKET])
        return decision.side

    return judged


def _turned(snapshot: Snapshot, migration: str, percent: float) -> Snapshot:
    live = snapshot.live
    known = live.migrations.get(migration, LiveMigration())
    return snapshot.turned(replace(live, migrations={**live.migrations, migration: replace(known, percent=percent)}))


def _callers(rows: Iterable[Usage], migration: str) -> Counter[tuple[str, str, str]]:
    """Add up the requests of each caller at each endpoint, whichever side served them."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        if row.migration == migration and row.side:
            found[row.consumer, "" if row.consumer == OTHERS else row.profile, row.endpoint] += row.requests
    return found


def _head(values: Mapping[str, Any], endpoint: str) -> RequestHead:
    """Make a request of the caller; what stands in place of the path's parameters decides nothing."""
    method, _, template = endpoint.partition(" ")
    path = "/".join("x" if segment.startswith("{") else segment for segment in template.split("/"))
    fields = list(_named(values, IdentityKind.HEADER).items())
    cookies = "; ".join(f"{name}={value}" for name, value in _named(values, IdentityKind.COOKIE).items())
    if cookies:
        fields.append(("cookie", cookies))
    if _named(values, IdentityKind.CLAIM):
        fields.append(("authorization", "Bearer taken-for-granted"))
    return RequestHead.of(method, path, fields, "")


def _named(values: Mapping[str, Any], kind: IdentityKind) -> dict[str, str]:
    prefix = f"{Identity(kind, '').label}:"
    return {label.removeprefix(prefix): value for label, value in values.items() if label.startswith(prefix)}


def _mix(moving: Iterable[Mapping[str, Any]], by: Sequence[Identity]) -> dict[str, dict[str, int]]:
    """Count what those who move have in common, besides the identities that tell them apart."""
    apart = {identity.label for identity in by} | {BUCKET}
    tiers: dict[str, Counter[str]] = {}
    for values in moving:
        for label, value in values.items():
            if label not in apart:
                tiers.setdefault(label, Counter())[str(value)] += 1
    return {label: dict(counts.most_common(MIXES)) for label, counts in tiers.items()}


def _described(one: Moving) -> dict[str, Any]:
    return {
        "consumer": one.consumer,
        "keys": one.keys,
        "keys_moving": one.keys_moving,
        "requests": one.requests,
        "requests_moving": one.requests_moving,
    }
