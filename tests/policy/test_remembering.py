"""What decisions remember saves work and nothing else: each comes out as if it were the first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.live import Live, LiveMigration
from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory, decide
from gateway.policy.quota import Charge, Verdict
from gateway.policy.route import Places
from gateway.policy.trace import Trace

from .conftest import Compile, token

BEGIN = 1_800_000_000.0
DAY = 86_400.0
QUOTAS = """\
  keyed: {quota: 5, window: 1m, by: "header:X-Key"}
  titled: {quota: 9, window: 1m, by: "claim:sub", when: {header: {X-Key: b}}}
  tiered: {quota: 7, window: 1m, by: [claim:tenant, claim:sub], tiers: [{when: {claim: {plan: beta}}, quota: 8}]}
  watched: {quota: 1, window: 1m, by: "claim:sub", shadow: true}
"""
TARGETS = [
    *[("GET", path) for path in ("/api/favorites", "/api/screening/x", "/api/v2/x", "/health", "/nowhere", "/a/../b")],
    *[("HEAD", "/api/favorites"), ("PUT", "/api/favorites"), ("POST", "/api/v2/auth/login")],
    *[(method, "/api/favorites/600519") for method in ("DELETE", "PATCH", "OPTIONS")],
]
FIELDS = {
    "X-Key": ["a", "b"],
    "X-Api-Track": ["legacy"],
    "X-Forwarded-For": ["10.1.1.1", "10.2.2.2"],
    "Crossfade-Rehearse": ["2027-03-05", "2027-01-20", "never"],
    "Origin": ["https://app.example"],
    "Cookie": ["cid=a", "cid=b"],
}
CLAIMS: list[dict[str, object] | None] = [None, *[{"sub": name} for name in "abc"], {"sub": "d", "plan": "beta"}]
CLAIMS += [{"sub": "e", "plan": "free", "tenant": "t"}, {"client_id": "acme", "sub": "a"}]


class Mirror:
    """Says of each charge what depends on nothing but it, and notes which ones were counted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    def grant(self, charges: Sequence[Charge], now: float) -> None:
        """Ask for a verdict."""

    def count(self, charges: Sequence[Charge], now: float) -> Verdict:
        self.seen.extend((charge.quota.policy, charge.key, charge.quota.cost) for charge in charges)
        last = charges[-1]
        return Verdict(last.quota, len(last.key), 1) if last.key != "claim:sub=c" else Verdict.refused(last.quota, 1, 1)

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        self.seen.extend((f"watched {charge.quota.policy}", charge.key, 0) for charge in charges)


@pytest.fixture
def rules(compiled: Compile) -> list[Snapshot]:
    """The same file with and without what sends requests another way, and two of its turns."""
    quotas = ("migrations:\n  watchlist:\n", "migrations:\n  watchlist:\n    quotas: [tiered, watched]\n")
    more = (("routes:\n", f"{QUOTAS}routes:\n"), quotas)
    keyed = ("auth: optional}", "auth: optional, quotas: [keyed, titled]}")
    plain = compiled(*more, keyed, ("      rehearsal: true\n", ""))
    listen = ("  listen: 127.0.0.1:0\n", "  listen: 127.0.0.1:0\n  trusted_hops: 1\n  cors: {origins: ['*']}\n")
    claim = ("by: [claim:sub, cookie:cid, ip]", "by: [cookie:cid, claim:sub]")
    other = compiled(*more, listen, claim, ("auth: optional}", "auth: optional, quotas: [burst], cost: 2}"))
    ended = {"acme": BEGIN + 400 * DAY}
    turns = [LiveMigration(percent=0.0), LiveMigration(percent=100.0, extensions=ended)]
    return [plain, other, *[plain.turned(Live(1, {"watchlist": turn})) for turn in turns], replace(plain, revision=2)]


def heads() -> st.SearchStrategy[RequestHead]:
    optional: dict[Any, st.SearchStrategy[str]] = {name: st.sampled_from(values) for name, values in FIELDS.items()}
    told = st.tuples(st.fixed_dictionaries({}, optional=optional), st.sampled_from(CLAIMS))
    return st.builds(_head, st.sampled_from(TARGETS), told, st.sampled_from(["10.0.0.1", "10.0.0.2"]))


def _head(line: tuple[str, str], told: tuple[dict[str, str], dict[str, object] | None], peer: str) -> RequestHead:
    fields, claims = told
    bearer = {"Authorization": f"Bearer {token(BEGIN, exp=BEGIN + 150 * DAY, **claims)}"} if claims is not None else {}
    return RequestHead.of(*line, [*fields.items(), *bearer.items()], peer)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_decision_comes_out_as_if_nothing_had_been_remembered(rules: list[Snapshot], data: st.DataObject) -> None:
    steps = st.tuples(heads(), st.integers(0, 4), st.integers(-40, 120), st.booleans())
    tokens, places = TokenCache(), Places()
    for head, number, days, is_again in data.draw(st.lists(steps, max_size=30)):
        for _ in range(1 + is_again):
            kept, anew = Mirror(), Mirror()
            now, snapshot = BEGIN + days * DAY, rules[number]
            found = decide(head, snapshot, now, Memory(tokens, kept, places))
            assert found == decide(head, snapshot, now, Memory(TokenCache(), anew, Places()))
            assert kept.seen == anew.seen
            trace, first = Trace(), Trace()
            assert decide(head, snapshot, now, Memory(tokens, kept, places), trace) == found
            assert decide(head, snapshot, now, Memory(TokenCache(), anew, Places()), first) == found
            assert trace.stages == first.stages
            assert kept.seen == anew.seen
