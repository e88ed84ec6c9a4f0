"""Which published keys are used, and which are left out."""

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.callers.jwks import MAX_KEYS, MalformedKeySetError, read

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
SMALL = RSAAlgorithm.to_jwk(rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(), as_dict=True)
P256 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
P384 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
ED = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True)
for plain in (RSA, SMALL):
    plain.pop("key_ops", None)


def found(*entries: Any) -> list[tuple[str, str | None]]:
    """Return the algorithm and kid of the keys that are used."""
    keys, _ = read(orjson.dumps({"keys": list(entries)}))
    return [(key.algorithm, key.kid) for key in keys]


def complaint(entry: Any) -> str:
    """Return why the only key of a set is left out."""
    keys, complaints = read(orjson.dumps({"keys": [entry]}))
    assert (keys, len(complaints)) == ((), 1)
    return complaints[0]


def test_each_kind_of_key_is_good_for_one_algorithm() -> None:
    kinds = [RSA, RSA | {"alg": "PS256"}, P256, P384, ED]
    assert [algorithm for algorithm, _ in found(*kinds)] == ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


@pytest.mark.parametrize(
    "extra",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kty": "new"},
        {"kty": 7},
        {"kty": []},
        {"use": None},
    ],
)
def test_a_key_for_something_else_is_passed_over_in_silence(extra: dict[str, Any]) -> None:
    assert read(orjson.dumps({"keys": [RSA | extra]})) == ((), [])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"kty": "oct", "k": "c2VjcmV0"}, "symmetric"),
        ("RSA", "not an object"),
        (RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True) | {"key_ops": ["sign", "verify"]}, "private"),
        (SMALL, "1024 bits"),
        (RSA | {"kid": 7}, "kid"),
        (RSA | {"kid": "k" * 257}, "kid"),
        (RSA | {"alg": "HS256"}, "algorithm"),
        (RSA | {"alg": "none"}, "algorithm"),
        (RSA | {"alg": ["RS256"]}, "algorithm"),
        (RSA | {"alg": "RSA-OAEP"}, "algorithm"),
        (RSA | {"alg": "ES256"}, "curve"),
        (P256 | {"alg": "ES384"}, "curve"),
        (P256 | {"crv": "secp256k1"}, "algorithm"),
        (P256 | {"crv": ["P-256"]}, "algorithm"),
        (P256 | {"x": P256["y"]}, "cannot be read"),
        (P256 | {"y": 7}, "cannot be read"),
        ({"kty": "RSA"}, "cannot be read"),
        (RSA | {"n": "AQ"}, "cannot be read"),
        (RSA | {"n": "_" * 2000}, "use at most"),
    ],
)
def test_a_key_that_is_no_good_is_left_out_with_a_reason(entry: Any, reason: str) -> None:
    assert reason in complaint(entry)
    assert found(entry, P256 | {"kid": "good"}) == [("ES256", "good")]


def test_the_first_of_two_keys_with_the_same_kid_counts() -> None:
    assert found(P256 | {"kid": "a"}, P384 | {"kid": "a"}, ED | {"kid": "b"}, RSA, P384) == [
        ("ES256", "a"),
        ("EdDSA", "b"),
        ("RS256", None),
        ("ES384", None),
    ]


def test_a_set_has_a_bounded_number_of_keys() -> None:
    assert len(found(*[P256] * (MAX_KEYS + 3))) == MAX_KEYS


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"keys": {}}', b"\xff", b"<html>", b'{"keys": null}', b"[" * 5000]
)
def test_what_is_no_key_set_is_refused_as_a_whole(raw: bytes) -> None:
    with pytest.raises(MalformedKeySetError):
        read(raw)


def test_an_empty_set_is_one() -> None:
    assert read(b'{"keys": []}') == ((), [])


MEMBERS = st.sampled_from(["kty", "crv", "alg", "kid", "use", "key_ops", "n", "e", "x", "y"])
WORDS = st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "ES256", "EdDSA", "sig", "AQAB", P256["x"], ED["x"]])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(MEMBERS | st.text(max_size=4), VALUES, max_size=8), max_size=4))
def test_no_set_of_strange_keys_is_more_than_a_complaint(entries: list[Any]) -> None:
    keys, complaints = read(orjson.dumps({"keys": entries}))
    assert len(keys) + len(complaints) <= len(entries)
