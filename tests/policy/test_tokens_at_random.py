"""Whatever is sent for a token, it is refused for a reason: never accepted, never a crash, never remembered."""

import base64
import gc
import json
import sys
from typing import Any

import jwt
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.issuer import AuthPolicy, Issuer, Key, KeyServer
from gateway.policy.auth import TokenCache
from gateway.policy.jws import MAX_TOKEN_BYTES
from gateway.policy.refusal import AuthError, MissingKeyError

NOW = 1_800_000_000
HMAC = "s" * 64
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE: dict[str, Any] = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), HMAC),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
KEYS = tuple(
    Key(name, name.lower(), key.encode() if isinstance(key, str) else key.public_key()) for name, key in PRIVATE.items()
)
SERVER = KeyServer("https://issuer.test/keys", 600, 1)
POLICY = AuthPolicy((Issuer("tacn", None, KEYS), Issuer("other", None, (), SERVER)), 30, {})
CLAIMS = {"sub": "alice", "iss": "tacn", "exp": NOW + 900, "iat": NOW - 5}
TOKENS = {name: jwt.encode(CLAIMS, key, name, headers={"kid": name.lower()}) for name, key in PRIVATE.items()}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ é"


def is_refused(authorization: str | None) -> bool:
    """Return whether a field is refused, or at least not accepted before a key server has been asked."""
    cache = TokenCache()
    try:
        cache.verify(authorization, POLICY, NOW)
    except AuthError as error:
        assert error.challenge.isascii()
        assert error.challenge.isprintable()
    except MissingKeyError as missing:
        assert missing.url == SERVER.url
    else:
        return False
    return repr(cache).startswith("<TokenCache 0 of")


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_every_algorithm_accepts_what_its_own_key_has_signed(name: str) -> None:
    assert not is_refused(f"Bearer {TOKENS[name]}")


@given(st.sampled_from(sorted(TOKENS)), st.data())
def test_a_token_with_one_bit_flipped_is_refused(name: str, data: st.DataObject) -> None:
    raw = bytearray(TOKENS[name].encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert is_refused(f"Bearer {raw.decode('latin-1')}")


@given(st.sampled_from(sorted(TOKENS)), st.data())
def test_a_truncated_or_extended_token_is_refused(name: str, data: st.DataObject) -> None:
    token = TOKENS[name]
    cut = data.draw(st.integers(0, len(token) - 1))
    assert is_refused(f"Bearer {token[:cut]}")
    assert is_refused(f"Bearer {token[cut + 1 :]}")
    assert is_refused(f"Bearer {token}{data.draw(st.text(ALPHABET.replace(' ', ''), min_size=1, max_size=9))}")


@given(st.sampled_from(sorted(TOKENS)), st.data())
def test_a_signature_for_one_token_is_none_for_another(name: str, data: st.DataObject) -> None:
    parts = TOKENS[name].split(".")
    others = TOKENS[data.draw(st.sampled_from(sorted(TOKENS.keys() - {name})))].split(".")
    position = data.draw(st.integers(0, 2))
    parts[position] = others[position]
    assert is_refused(f"Bearer {'.'.join(parts)}") is (parts != TOKENS[name].split("."))


@given(st.one_of(st.text(max_size=200), st.text(ALPHABET, max_size=200), st.none()))
def test_random_text_is_refused(text: str | None) -> None:
    assert is_refused(text)
    assert is_refused(f"Bearer {text}")


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(sorted(PRIVATE)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "enc", "x"]), PARTS, max_size=4)
PAYLOADS = st.dictionaries(st.sampled_from(["sub", "iss", "exp", "nbf", "iat", "aud", "x"]), PARTS, max_size=6)


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(HEADERS | PARTS | st.binary(max_size=40), PAYLOADS | PARTS | st.binary(max_size=40), st.binary(max_size=80))
def test_strange_headers_and_claims_are_refused(header: Any, payload: Any, signature: bytes) -> None:
    assert is_refused(f"Bearer {part(header)}.{part(payload)}.{part(signature)}")


@given(PAYLOADS)
def test_strange_claims_with_a_good_signature_are_good_or_refused_for_a_reason(payload: dict[str, Any]) -> None:
    token = jwt.api_jws.encode(json.dumps(CLAIMS | payload).encode(), HMAC, "HS256", headers={"kid": "hs256"})
    if is_refused(f"Bearer {token}"):
        return
    cache = TokenCache()
    known = cache.verify(f"Bearer {token}", POLICY, NOW)
    assert isinstance(known.claims["sub"], str)
    assert known.starts <= NOW < known.ends


def test_fifty_thousand_invalid_tokens_leave_nothing_behind() -> None:
    cache = TokenCache()
    head, payload, _ = TOKENS["ES256"].split(".")

    def flood(numbers: range) -> None:
        for number in numbers:
            # Some with a header of its own, some with claims of its own, some with another signature, some over-long.
            own = part({"alg": "ES256", "kid": "es256", "x": "y" * (number % 700), "n": number})
            forged = (
                f"{own}.{payload}.x",
                f"{head}.{part(CLAIMS | {'jti': number, 'exp': NOW - 31})}.x",
                f"{head}.{payload}.{number:x}",
                "x" * (MAX_TOKEN_BYTES + 1) + str(number),
            )
            try:
                cache.verify(f"Bearer {forged[number % 4]}", POLICY, NOW)
            except AuthError:
                continue
            raise AssertionError(number)

    process = psutil.Process()
    flood(range(5_000))
    gc.collect()
    blocks, resident = sys.getallocatedblocks(), process.memory_info().rss
    flood(range(5_000, 55_000))
    gc.collect()
    assert repr(cache).startswith("<TokenCache 0 of")
    assert sys.getallocatedblocks() - blocks < 5_000
    assert process.memory_info().rss - resident < 8 << 20


@settings(max_examples=20)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=60))
def test_the_cache_is_bounded_in_bytes_too(sizes: list[int]) -> None:
    cache = TokenCache(capacity=20, capacity_bytes=12_000)
    for number, size in enumerate(sizes):
        token = jwt.encode(CLAIMS | {"jti": str(number), "pad": "x" * size}, HMAC, "HS256", headers={"kid": "hs256"})
        cache.verify(f"Bearer {token}", POLICY, NOW)
        held = [len(raw) for raw in cache._known]
        assert sum(held) == cache._known_bytes <= 12_000
        assert 1 <= len(held) <= 20


def test_an_ed448_key_is_good_for_eddsa() -> None:
    key = ed448.Ed448PrivateKey.generate()
    policy = AuthPolicy((Issuer(None, None, (Key("EdDSA", None, key.public_key()),)),), 30, {})
    assert TokenCache().verify(f"Bearer {jwt.encode(CLAIMS, key, 'EdDSA')}", policy, NOW).claims == CLAIMS
