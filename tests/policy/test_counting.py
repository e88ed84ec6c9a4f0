"""Requests that are counted elsewhere: what is asked, and where the decision goes on."""

from collections.abc import Sequence

from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Decision, Forward, NeedCount, Refuse
from gateway.policy.quota import Charge, QuotaTable
from gateway.policy.route import Places
from tests.policy.conftest import Compile, token

NOW = 1_800_000_000.0
V2 = '{name: v2, match: "/api/v2/{rest*}", upstream: v2, auth: required, quotas: [burst]}'


class Elsewhere:
    """Never knows by itself."""

    def grant(self, charges: Sequence[Charge], now: float) -> None:
        """Nor worded."""

    def count(self, charges: Sequence[Charge], now: float) -> None:
        """Somebody must be asked."""

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        """Nothing here has shadows."""


def needed(snapshot: Snapshot) -> tuple[RequestHead, NeedCount]:
    head = RequestHead.of("GET", "/api/v2/x", [("Authorization", f"Bearer {token(NOW)}")])
    need = decide(head, snapshot, NOW, Memory(TokenCache(), Elsewhere(), Places()))
    assert isinstance(need, NeedCount)
    return head, need


def counted(head: RequestHead, need: NeedCount, snapshot: Snapshot) -> Decision:
    return decide(head, snapshot, NOW, Memory(TokenCache(), QuotaTable(), Places(), need))


def test_what_must_be_counted_elsewhere_is_needed(snapshot: Snapshot) -> None:
    _, need = needed(snapshot)
    assert [(charge.quota.name, charge.key) for charge in need.charges] == [("burst", "claim:sub=alice")]


def test_a_counted_request_is_forwarded_as_one_counted_at_once(snapshot: Snapshot) -> None:
    head, need = needed(snapshot)
    at_once = decide(head, snapshot, NOW, Memory.fresh())
    assert isinstance(at_once, Forward)
    assert counted(head, need, snapshot) == at_once


def test_rules_that_changed_meanwhile_are_followed_from_the_start(compiled: Compile, snapshot: Snapshot) -> None:
    head, need = needed(snapshot)
    closed = counted(head, need, compiled((f"  - {V2}\n", "")))
    assert isinstance(closed, Refuse)
    assert closed.problem.code == 404
