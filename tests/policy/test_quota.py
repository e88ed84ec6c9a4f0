"""GCRA: what may pass, what is told, and how much is remembered."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.identity import Identity, IdentityKind
from gateway.config.snapshot import Quota
from gateway.core.block import fields
from gateway.policy.quota import Charge, QuotaTable
from gateway.policy.ratelimit import block

IP = (Identity(IdentityKind.IP),)
START = 1_800_000_000.0


def charge(quota: int = 5, window: float = 1.0, key: str = "alice", name: str = "burst") -> Charge:
    return Charge(Quota(name, quota, window, IP), key)


def spend(table: QuotaTable, times: int, now: float, one: Charge) -> list[bool]:
    return [table.count([one], now).is_allowed for _ in range(times)]


def test_a_whole_quota_may_be_spent_at_once_and_not_one_more() -> None:
    assert spend(QuotaTable(), 6, START, charge(5)) == [True] * 5 + [False]


def test_a_spent_quota_refills_evenly() -> None:
    table = QuotaTable()
    spend(table, 5, START, charge(5, window=10))
    assert not table.count([charge(5, window=10)], START + 1.9).is_allowed
    assert table.count([charge(5, window=10)], START + 2.0).is_allowed
    assert not table.count([charge(5, window=10)], START + 2.1).is_allowed


def test_a_refused_request_is_not_counted() -> None:
    table = QuotaTable()
    spend(table, 50, START, charge(5, window=10))
    assert table.count([charge(5, window=10)], START + 2.0).is_allowed


def test_keys_and_quotas_do_not_share() -> None:
    table = QuotaTable()
    spend(table, 5, START, charge(5))
    assert table.count([charge(5, key="bob")], START).is_allowed
    assert table.count([charge(5, name="other")], START).is_allowed


def test_when_one_of_several_is_used_up_none_is_counted() -> None:
    table = QuotaTable()
    narrow, wide = charge(1, name="narrow"), charge(3, name="wide")
    assert table.count([narrow, wide], START).is_allowed
    for _ in range(5):
        assert not table.count([narrow, wide], START).is_allowed
    assert spend(table, 3, START, wide) == [True, True, False]


def test_the_strictest_speaks() -> None:
    verdict = QuotaTable().count([charge(100, name="wide"), charge(2, name="narrow")], START)
    assert (verdict.quota.name, verdict.remaining) == ("narrow", 1)


@given(st.integers(1, 50), st.floats(0.05, 1e5), st.lists(st.floats(0, 1e4), min_size=1, max_size=200))
def test_nobody_gets_more_than_a_burst_and_the_steady_rate(quota: int, window: float, gaps: list[float]) -> None:
    table, now, granted = QuotaTable(), START, 0
    one = charge(quota, window)
    for gap in gaps:
        now += gap * window / 1e4
        granted += table.count([one], now).is_allowed
    assert granted <= quota + (now - START) * quota / window + 1e-3


@given(st.integers(1, 50), st.floats(0.05, 1e5), st.floats(0, 1))
def test_retry_after_is_never_zero_and_never_too_early(quota: int, window: float, part: float) -> None:
    table, one = QuotaTable(), charge(quota, window)
    spend(table, quota, START, one)
    refusal = table.count([one], START + part * window / quota / 2)
    assert refusal.retry_after >= 1
    assert table.count([one], START + part * window / quota / 2 + refusal.retry_after).is_allowed


RULES = st.lists(st.tuples(st.integers(1, 20), st.floats(0.05, 1e5), st.integers(1, 5)), min_size=1, max_size=4)


@given(RULES, st.lists(st.floats(0, 0.5), max_size=60))
def test_waiting_as_long_as_told_lets_one_through_however_many_quotas_count(
    rules: list[tuple[int, float, int]], gaps: list[float]
) -> None:
    charges = [
        Charge(Quota(f"q{number}", quota, window, IP).costing(min(cost, quota)), "alice")
        for number, (quota, window, cost) in enumerate(rules)
    ]
    table, now = QuotaTable(), START
    for gap in gaps:
        now += gap
        verdict = table.count(charges, now)
        if not verdict.is_allowed:
            assert verdict.retry_after >= 1
            now += verdict.retry_after
            assert table.count(charges, now).is_allowed


def test_a_quota_that_is_gone_is_forgotten() -> None:
    table = QuotaTable()
    table.count([charge(name="old"), charge(name="new")], START)
    table.keep(["new", "newer"])
    assert len(table) == 1


def test_a_key_takes_no_more_memory_than_is_stated() -> None:
    capacity, text = 2_000, "a" * 40
    tracemalloc.start()
    try:
        table = QuotaTable(capacity=capacity)
        for number in range(20 * capacity):
            table.count([charge(quota=1, window=3600, key=f"header:x-key={text}{number:08d}")], START + number * 1e-5)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(table) == capacity
    assert used <= 512 * capacity


@given(st.data())
def test_what_is_granted_in_one_piece_is_what_would_have_been_counted_and_told(data: st.DataObject) -> None:
    rates = st.tuples(st.integers(1, 60), st.floats(0.01, 1e5), st.booleans())
    specs = data.draw(st.lists(rates, min_size=1, max_size=3))
    quotas = [
        Quota("same" if n else "other", *spec[:2], IP, has_legacy_headers=spec[2]) for n, spec in enumerate(specs)
    ]
    steps = st.tuples(st.integers(0, len(quotas) - 1), st.sampled_from("abc"), st.floats(-5, 50) | st.just(0.0))
    table, counting, now = QuotaTable(), QuotaTable(), START
    for position, key, gap in data.draw(st.lists(steps, max_size=80)):
        now += gap
        charges = [Charge(quotas[position], key)]
        granted = table.grant(charges, now)
        told = granted if granted is not None else block(charges, table.count(charges, now))
        assert told == block(charges, counting.count(charges, now))


def test_keys_of_one_quota_never_push_out_anothers() -> None:
    table, slow = QuotaTable(capacity=100), charge(1, window=3600, name="daily")
    table.count([slow], START)
    for number in range(5_000):
        table.count([charge(1, window=3600, name="by ip", key=f"ip={number}")], START)
    assert not table.count([slow], START).is_allowed


def test_headers_have_the_drafts_exact_form() -> None:
    table, charges = QuotaTable(), [charge(50), charge(10_000, 86_400.0, name="free")]
    for _ in range(38):
        verdict = table.count(charges, START)
    assert fields(block(charges, verdict)) == (
        ("RateLimit-Policy", '"burst";q=50;w=1, "free";q=10000;w=86400'),
        ("RateLimit", '"burst";r=12;t=1'),
    )


def test_a_refusal_says_when_to_come_back() -> None:
    table, one = QuotaTable(), charge(2, window=10)
    spend(table, 2, START, one)
    told = dict(fields(block([one], table.count([one], START))))
    assert (told["RateLimit"], told["Retry-After"]) == ('"burst";r=0;t=10', "5")


def test_a_shorter_window_frees_who_had_used_up_the_longer_one() -> None:
    table = QuotaTable()
    spend(table, 10, START, charge(10, window=86_400))
    assert table.count([charge(10, window=1)], START).retry_after == 1
    assert table.count([charge(10, window=1)], START + 1).is_allowed


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    table = QuotaTable()
    spend(table, 10, START, charge(10, window=10))
    assert table.count([charge(10, window=10)], START - 3600).retry_after == 1
    assert table.count([charge(10, window=10)], START - 3599).is_allowed


@pytest.mark.parametrize("now_step", [0.0, 10.0])
def test_memory_is_bounded_whatever_keys_come(now_step: float) -> None:
    table, now = QuotaTable(capacity=1_000), START
    for number in range(5_000):
        now += now_step
        table.count([charge(key=f"key-{number}")], now)
        assert len(table) <= 1_000
