"""Which quotas count a request, under which key, at what cost, and what is told of it."""

from collections import Counter

import pytest

from gateway.config.snapshot import Snapshot
from gateway.core.block import fields
from gateway.core.http import RequestHead
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward, Refuse
from gateway.policy.quota import QuotaTable
from gateway.policy.route import Places
from tests.policy.conftest import Compile, token

NOW = 1_800_000_000.0
BURST = "burst: {quota: 3, window: 1s, by: consumer}"
OPEN = '{name: screening, match: "/api/screening/{rest*}", upstream: v1, auth: optional'


class Caller:
    """Asks again and again, and is remembered."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.shadowed: Counter[tuple[str, ...]] = Counter()
        self._snapshot = snapshot
        self._memory = Memory(TokenCache(), QuotaTable(shadowed=self.shadowed), Places())

    def ask(self, peer: str = "127.0.0.1", claims: dict[str, str] | None = None, **named: str) -> Forward | Refuse:
        told = [(name.replace("_", "-"), value) for name, value in named.items()]
        if claims is not None:
            told.append(("Authorization", f"Bearer {token(NOW, **claims)}"))
        head = RequestHead.of("GET", "/api/screening/x", told, peer)
        decision = decide(head, self._snapshot, NOW, self._memory)
        assert isinstance(decision, Forward | Refuse)
        return decision

    def granted(self, times: int, peer: str = "127.0.0.1", **named: str) -> int:
        return sum(isinstance(self.ask(peer, **named), Forward) for _ in range(times))


def screening(compiled: Compile, quota: str, rest: str = "quotas: [burst]") -> Caller:
    return Caller(compiled((BURST, f"burst: {{quota: 3, window: 1s, {quota}}}"), (OPEN, f"{OPEN}, {rest}")))


@pytest.mark.parametrize(
    ("by", "one", "other"),
    [
        ("header:X-Key", {"x_key": "a"}, {"x_key": "b"}),
        ("cookie:cid", {"cookie": "x=1; cid=a"}, {"cookie": "cid=b"}),
        ("ip", {"peer": "10.0.0.1"}, {"peer": "10.0.0.2"}),
        ("ip", {"peer": "2001:db8::1"}, {"peer": "2001:db8:0:1::1"}),
        ("[header:X-Key, ip]", {"x_key": "a"}, {"x_key": ""}),
    ],
)
def test_each_value_of_the_identity_has_a_quota_of_its_own(
    compiled: Compile, by: str, one: dict[str, str], other: dict[str, str]
) -> None:
    caller = screening(compiled, f"by: {by if by.startswith('[') else f'"{by}"'}")
    assert [caller.granted(5, **one), caller.granted(5, **other), caller.granted(5, **one)] == [3, 3, 0]


def test_a_claim_has_a_quota_of_its_own(compiled: Compile) -> None:
    caller = screening(compiled, 'by: "claim:tenant"')
    for tenant in ("a", "b"):
        found = [caller.ask(claims={"tenant": tenant}) for _ in range(4)]
        assert [type(decision) for decision in found] == [Forward, Forward, Forward, Refuse]


@pytest.mark.parametrize("peers", [("2001:db8::1", "2001:db8::2:3"), ("1.2.3.4", "::ffff:1.2.3.4")])
def test_addresses_that_are_one_customers_share(compiled: Compile, peers: tuple[str, str]) -> None:
    caller = screening(compiled, "by: ip")
    assert [caller.granted(5, peer) for peer in peers] == [3, 0]


def test_leaving_the_identity_out_counts_by_address(compiled: Compile) -> None:
    caller = screening(compiled, 'by: "header:X-Key"')
    assert [caller.granted(5, "10.0.0.1"), caller.granted(5, "10.0.0.1"), caller.granted(5, "10.0.0.2")] == [3, 0, 3]


def test_a_tier_takes_the_quotas_place_for_whom_it_holds(compiled: Compile) -> None:
    tiers = "tiers: [{when: {header: {X-Plan: pro}}, quota: 6}, {when: {header: {X-Plan: max}}, quota: 9, window: 2s}]"
    caller = screening(compiled, f'by: "header:X-Key", {tiers}')
    found = [caller.granted(12, x_key=plan, x_plan=plan) for plan in ("free", "pro", "max")]
    assert found == [3, 6, 9]
    told = caller.ask(x_key="max", x_plan="max")
    assert isinstance(told, Refuse)
    assert ("RateLimit-Policy", '"burst";q=9;w=2') in told.headers


def test_who_rises_a_tier_keeps_what_was_used(compiled: Compile) -> None:
    caller = screening(compiled, "by: ip, tiers: [{when: {header: {X-Plan: pro}}, quota: 6}]")
    assert (caller.granted(3), caller.granted(12, x_plan="pro")) == (3, 0)


def test_a_costly_endpoint_takes_more(compiled: Compile) -> None:
    caller = screening(compiled, "by: ip", "quotas: [burst], cost: 2")
    first = caller.ask()
    assert isinstance(first, Forward)
    assert ("RateLimit", '"burst";r=1;t=1') in first.answer_headers
    assert caller.granted(3) == 0


def test_the_strictest_of_several_speaks(compiled: Compile) -> None:
    text = (BURST, f"{BURST}\n  wide: {{quota: 100, window: 1m, by: ip}}")
    caller = Caller(compiled(text, (OPEN, f"{OPEN}, quotas: [wide, burst]")))
    first = caller.ask()
    assert isinstance(first, Forward)
    assert first.answer_headers[:2] == (
        ("RateLimit-Policy", '"wide";q=100;w=60, "burst";q=3;w=1'),
        ("RateLimit", '"burst";r=2;t=1'),
    )


def test_a_shadow_counts_and_reports_without_refusing_or_telling(compiled: Compile) -> None:
    caller = screening(compiled, "by: ip, shadow: true")
    found = [caller.ask() for _ in range(5)]
    assert all(isinstance(decision, Forward) for decision in found)
    assert not any(
        "RateLimit" in name for decision in found if isinstance(decision, Forward) for name, _ in decision.add
    )
    assert caller.shadowed == {("burst",): 2}


def test_what_a_quota_refuses_no_shadow_counts(compiled: Compile) -> None:
    text = (BURST, f"{BURST}\n  watched: {{quota: 4, window: 1s, by: ip, shadow: true}}")
    caller = Caller(compiled(text, (OPEN, f"{OPEN}, quotas: [watched, burst]")))
    assert (caller.granted(10), caller.shadowed.total()) == (3, 0)


def test_legacy_fields_come_on_request_and_only_then(compiled: Compile) -> None:
    caller = screening(compiled, "by: ip, legacy_headers: true")
    caller.granted(2)
    told = [caller.ask(), caller.ask()]
    assert isinstance(told[0], Forward)
    assert isinstance(told[1], Refuse)
    assert told[0].answer_headers[2:5] == (
        ("X-RateLimit-Limit", "3"),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", "1"),
    )
    assert told[1].headers[2:] == (*told[0].answer_headers[2:5], ("Retry-After", "1"))
    plain = screening(compiled, "by: ip").ask()
    assert isinstance(plain, Forward)
    assert not [name for name, _ in plain.answer_headers if name.startswith("X-RateLimit")]


def test_a_long_key_is_remembered_short(compiled: Compile) -> None:
    caller = screening(compiled, 'by: "header:X-Key"')
    assert caller.granted(5, x_key="a" * 8_000) == 3
    assert caller.granted(5, x_key="a" * 7_999 + "b") == 3
    quotas = caller._memory.quotas
    assert isinstance(quotas, QuotaTable)
    assert all(len(key) <= 64 for key in quotas._tables["burst"].times)


def test_fields_are_readable_one_by_one(compiled: Compile) -> None:
    first = screening(compiled, "by: ip").ask()
    assert isinstance(first, Forward)
    assert fields(first.notices) == first.answer_headers
