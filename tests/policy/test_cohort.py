"""The sticky split."""

import hashlib
import math
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.identity import Condition, Identity, IdentityKind
from gateway.config.snapshot import Pin, Rollout, Side
from gateway.core.http import RequestHead
from gateway.policy.cohort import assign, bucket

SUB = Identity(IdentityKind.CLAIM, "sub")
HEAD = RequestHead.of("GET", "/api/favorites")
GOLDEN = [
    ("tacn", "alice", 71274),
    ("tacn", "bob", 47160),
    ("tacn", "carol", 74285),
    ("other", "alice", 42605),
    ("tacn", "用户1", 72090),
]
RAMP = (0, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 99_900, 100_000)


def rollout(threshold: int, *pins: Pin) -> Rollout:
    return Rollout(threshold, (SUB,), b"tacn", pins)


def side(threshold: int, subject: str) -> Side:
    return assign(rollout(threshold), HEAD, {"sub": subject}, "10.0.0.1").side


@pytest.mark.parametrize(("salt", "key", "expected"), GOLDEN)
def test_buckets_have_their_published_values(salt: str, key: str, expected: int) -> None:
    assert bucket(salt.encode(), key) == expected


def test_long_keys_have_their_buckets_and_are_not_remembered() -> None:
    key = "k" * 30_000
    digest = hashlib.sha256(b"1|tacn|" + key.encode()).digest()
    assert bucket(b"tacn", key) == int.from_bytes(digest[:8]) * 100_000 >> 64
    tracemalloc.start()
    for number in range(100):
        bucket(b"tacn", f"{number}{key}")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 300_000


def test_another_process_finds_the_same_bucket() -> None:
    code = "from gateway.policy.cohort import bucket; print(bucket(b'tacn', 'alice'), bucket(b'tacn', '用户1'))"
    # Hash randomisation must not matter, so the other process gets another seed.
    answer = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "42"}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["71274", "72090"]


@pytest.mark.parametrize("percent", [0.1, 1, 10, 25, 50, 99.9])
def test_the_share_of_20_000_subjects_is_within_four_standard_deviations(percent: float) -> None:
    count, share = 20_000, percent / 100
    moved = sum(side(round(percent * 1000), f"subject-{number}") is Side.SUCCESSOR for number in range(count))
    assert abs(moved - count * share) <= 4 * math.sqrt(count * share * (1 - share))


def test_raising_the_percent_never_moves_a_subject_back() -> None:
    for number in range(5_000):
        sides = [side(threshold, f"subject-{number}") for threshold in RAMP]
        assert sides == sorted(sides, key=[Side.LEGACY, Side.SUCCESSOR].index)


@given(st.text(min_size=1).filter(lambda key: key.isprintable()), st.integers(0, 100_000), st.integers(0, 100_000))
def test_whoever_is_on_the_successor_stays_there_at_any_higher_percent(key: str, one: int, other: int) -> None:
    lower, higher = sorted((one, other))
    assert side(lower, key) is Side.LEGACY or side(higher, key) is Side.SUCCESSOR


def test_zero_percent_moves_nobody_and_hundred_percent_everybody() -> None:
    subjects = [f"subject-{number}" for number in range(2_000)]
    assert {side(0, subject) for subject in subjects} == {Side.LEGACY}
    assert {side(100_000, subject) for subject in subjects} == {Side.SUCCESSOR}


def test_a_caller_without_any_stickiness_key_stays_on_legacy() -> None:
    assignment = assign(rollout(100_000), HEAD, {}, "10.0.0.1")
    assert (assignment.side, assignment.reason) == (Side.LEGACY, "no stickiness key present")


def test_the_first_present_key_decides_even_when_a_later_one_would_move() -> None:
    both = Rollout(50_000, (SUB, Identity(IdentityKind.IP)), b"tacn")
    assert assign(both, HEAD, {"sub": "alice"}, "10.0.0.1").reason.startswith("claim:sub has bucket 71274")


@pytest.mark.parametrize(("threshold", "to"), [(0, Side.SUCCESSOR), (100_000, Side.LEGACY)])
def test_a_pin_wins_over_the_percent(threshold: int, to: Side) -> None:
    pin = Pin(to, Condition(((Identity(IdentityKind.CLAIM, "plan"), "beta"),)))
    assignment = assign(rollout(threshold, pin), HEAD, {"sub": "alice", "plan": "beta"}, "10.0.0.1")
    assert (assignment.side, assignment.reason) == (to, "pinned by claim:plan=beta")


def test_a_pin_that_does_not_hold_changes_nothing() -> None:
    pin = Pin(Side.SUCCESSOR, Condition(((Identity(IdentityKind.CLAIM, "plan"), "beta"),)))
    assert assign(rollout(0, pin), HEAD, {"sub": "alice", "plan": "pro"}, "10.0.0.1").side is Side.LEGACY
