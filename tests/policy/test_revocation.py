"""Revoked tokens: which are, for how long, and what a gateway that missed something does about it."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.snapshot import Snapshot
from gateway.policy.auth import TokenCache
from gateway.policy.refusal import AuthError, AuthReason
from gateway.policy.revocation import MalformedRevocationError, Revocation, RevocationList, load

from .conftest import token

NOW = 1_800_000_000.0
BY_ID = Revocation("a", until=NOW + 100, at=NOW, by="ops", reason="stolen", jti="j1")
BY_SUBJECT = Revocation("b", until=NOW + 100, at=NOW, by="ops", reason="left us", sub="alice", before=NOW)


def listed(*revocations: Revocation, capacity: int = 10) -> RevocationList:
    found = RevocationList(capacity)
    found.merge(revocations, NOW)
    return found


@pytest.mark.parametrize(
    ("texts", "claims", "is_refused"),
    [
        ({"jti": "j1"}, {}, True),
        ({"jti": "j2", "sub": "bob"}, {}, False),
        ({"sub": "alice"}, {"iat": NOW - 1}, True),
        ({"sub": "alice"}, {"iat": NOW}, False),
        ({"sub": "alice"}, {"iat": NOW + 1}, False),
        ({"sub": "alice"}, {}, True),
        ({"sub": "alice", "jti": "j1"}, {"iat": NOW + 1}, True),
        ({}, {}, False),
    ],
)
def test_a_token_is_refused_by_its_id_or_by_its_subject_and_age(
    texts: dict[str, str], claims: dict[str, float], is_refused: bool
) -> None:
    assert listed(BY_ID, BY_SUBJECT).refuses(texts, claims, NOW) is is_refused


def test_several_revocations_of_one_subject_hold_each_for_itself() -> None:
    found = listed(BY_SUBJECT, replace(BY_SUBJECT, id="c", before=NOW - 50, until=NOW + 500))
    assert found.refuses({"sub": "alice"}, {"iat": NOW - 10}, NOW)
    assert not found.refuses({"sub": "alice"}, {"iat": NOW - 10}, NOW + 200)
    assert found.refuses({"sub": "alice"}, {"iat": NOW - 60}, NOW + 200)


def test_a_revocation_ends_and_is_forgotten() -> None:
    found = listed(BY_ID)
    assert not found.refuses({"jti": "j1"}, {}, NOW + 100)
    found.merge([], NOW + 100)
    assert len(found) == 0
    assert not found.merge([BY_ID], NOW + 100)


def test_a_withdrawn_revocation_refuses_nothing_and_does_not_come_back() -> None:
    found = listed(BY_ID)
    assert found.merge([replace(BY_ID, is_withdrawn=True)], NOW)
    assert not found.refuses({"jti": "j1"}, {}, NOW)
    assert not found.merge([BY_ID], NOW)
    assert not found.refuses({"jti": "j1"}, {}, NOW)


def test_the_list_is_bounded_and_keeps_what_holds_longest() -> None:
    entries = [replace(BY_ID, id=str(number), jti=str(number), until=NOW + number) for number in range(1, 30)]
    found = listed(*entries, capacity=10)
    assert len(found) == 10
    assert found.is_full
    assert found.refuses({"jti": "29"}, {}, NOW)
    assert not found.refuses({"jti": "1"}, {}, NOW)


@given(st.permutations([BY_ID, BY_SUBJECT, replace(BY_ID, is_withdrawn=True), BY_SUBJECT]))
def test_the_order_in_which_news_come_makes_no_difference(news: list[Revocation]) -> None:
    found = RevocationList()
    for one in news:
        found.merge([one], NOW)
    assert {entry.id: entry.is_withdrawn for entry in found} == {"a": True, "b": False}
    assert not found.refuses({"jti": "j1"}, {}, NOW)


@pytest.mark.parametrize("one", [BY_ID, BY_SUBJECT, replace(BY_ID, is_withdrawn=True)])
def test_a_revocation_is_read_as_it_was_written(one: Revocation) -> None:
    assert load(one.dump()) == one


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"7",
        b"{}",
        b"\xff",
        BY_ID.dump().replace(b'"j1"', b"null"),
        BY_ID.dump().replace(b'"j1"', b"1"),
        BY_ID.dump().replace(b'"stolen"', b"[]"),
        BY_ID.dump().replace(b'"sub":null', b'"sub":"x"'),
        BY_ID.dump().replace(b'"is_withdrawn":false', b'"is_withdrawn":0'),
        BY_ID.dump().replace(b'"before":0.0', b'"before":"x"'),
        BY_ID.dump().replace(b'"id"', b'"di"'),
    ],
)
def test_what_is_no_revocation_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedRevocationError):
        load(raw)


def test_a_revoked_token_is_refused_at_first_sight_and_when_it_is_known_already(snapshot: Snapshot) -> None:
    cache = TokenCache()
    raw, other = (f"Bearer {token(NOW, jti=name)}" for name in ("j1", "j2"))
    cache.verify(raw, snapshot.auth, NOW)
    cache.verify(other, snapshot.auth, NOW)
    cache.revoked.merge([BY_ID], NOW)
    cache.drop_revoked(NOW)
    for _ in range(2):
        with pytest.raises(AuthError) as refused:
            cache.verify(raw, snapshot.auth, NOW)
        assert refused.value.reason is AuthReason.REVOKED
        assert refused.value.challenge == 'Bearer error="invalid_token", error_description="the token has been revoked"'
    assert cache.verify(other, snapshot.auth, NOW).texts["jti"] == "j2"


def test_a_withdrawal_lets_the_token_in_again(snapshot: Snapshot) -> None:
    cache = TokenCache(revoked=listed(BY_ID))
    raw = f"Bearer {token(NOW, jti='j1')}"
    with pytest.raises(AuthError):
        cache.verify(raw, snapshot.auth, NOW)
    cache.revoked.merge([replace(BY_ID, is_withdrawn=True)], NOW)
    assert cache.verify(raw, snapshot.auth, NOW).texts["jti"] == "j1"


def test_a_number_as_id_is_compared_as_text(snapshot: Snapshot) -> None:
    cache = TokenCache(revoked=listed(replace(BY_ID, jti="7")))
    with pytest.raises(AuthError):
        cache.verify(f"Bearer {token(NOW, jti=7)}", snapshot.auth, NOW)


def test_a_bad_token_is_not_said_to_be_revoked(snapshot: Snapshot) -> None:
    cache = TokenCache(revoked=listed(BY_ID, BY_SUBJECT))
    for number, bad in enumerate(itertools.islice(_spoiled(token(NOW, jti="j1")), 3)):
        with pytest.raises(AuthError) as refused:
            cache.verify(f"Bearer {bad}", snapshot.auth, NOW)
        assert refused.value.reason is not AuthReason.REVOKED, number


def _spoiled(good: str) -> list[str]:
    head, payload, signature = good.split(".")
    return [f"{head}.{payload}.{signature[::-1]}", f"{head}.{payload[:-2]}.{signature}", f"{payload}.{signature}"]
