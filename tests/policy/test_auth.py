"""Which tokens are good, and why the others are not."""

import base64
import json
import math
from collections.abc import Callable
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.issuer import AuthPolicy, Issuer, Key
from gateway.policy.auth import TokenCache
from gateway.policy.decision import Caller
from gateway.policy.jws import MAX_TOKEN_BYTES, verify
from gateway.policy.refusal import AuthError, AuthReason
from gateway.policy.signature import CHECKS, Check

NOW = 1_800_000_000
SECRET = "s" * 32
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS = (
    Key("HS256", "hs", SECRET.encode()),
    Key("RS256", "rs", RSA.public_key()),
    Key("ES256", "es", EC.public_key()),
    Key("EdDSA", "ed", ED.public_key()),
)


def only(*keys: Key, issuer: str | None = None, audience: str | None = None, leeway: float = 0) -> AuthPolicy:
    """Return a policy with one issuer."""
    return AuthPolicy((Issuer(issuer, audience, keys),), leeway, {})


POLICY = only(*KEYS, issuer="tacn", audience="gw", leeway=30)
CLAIMS: dict[str, Any] = {"sub": "alice", "iss": "tacn", "aud": "gw", "exp": NOW + 900}


def signed(claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", kid: str | None = "hs") -> str:
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid is not None else {})


def reason(token: str, policy: AuthPolicy = POLICY, now: float = NOW) -> AuthReason | None:
    try:
        verify(token, policy, now, {})
    except AuthError as error:
        return error.reason
    return None


def raw(header: bytes | dict[str, Any], payload: bytes | dict[str, Any], signature: bytes = b"x" * 32) -> str:
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(SECRET, "HS256", "hs"), (RSA, "RS256", "rs"), (EC, "ES256", "es"), (ED, "EdDSA", "ed")],
)
def test_each_algorithm_with_its_own_key_is_accepted(key: Any, algorithm: str, kid: str) -> None:
    assert verify(signed(CLAIMS, key, algorithm, kid), POLICY, NOW, {}) == (CLAIMS, (-math.inf, NOW + 930))
    assert reason(signed(CLAIMS, key, algorithm, None)) is None


def test_an_rsa_public_key_is_no_hmac_secret() -> None:
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    only_rsa = only(Key("RS256", None, RSA.public_key()))
    forged = raw({"alg": "HS256"}, CLAIMS, b"")
    head, payload, _ = forged.split(".")
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{head}.{payload}".encode(), public
    )
    token = f"{head}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert reason(token, only_rsa) is AuthReason.ALGORITHM


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "RS512", "", None, 7])
def test_the_token_does_not_choose_its_algorithm(algorithm: object) -> None:
    assert reason(raw({"alg": algorithm}, CLAIMS)) is AuthReason.ALGORITHM


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("jwk", AuthReason.EMBEDDED_KEY),
        ("jku", AuthReason.EMBEDDED_KEY),
        ("x5u", AuthReason.EMBEDDED_KEY),
        ("x5c", AuthReason.EMBEDDED_KEY),
        ("crit", AuthReason.CRITICAL),
        ("b64", AuthReason.CRITICAL),
        ("enc", AuthReason.ENCRYPTED),
        ("zip", AuthReason.ENCRYPTED),
    ],
)
def test_a_token_that_brings_its_own_key_or_rules_is_refused(parameter: str, expected: AuthReason) -> None:
    forged = raw({"alg": "HS256", "kid": "hs", parameter: "x"}, CLAIMS).rpartition(".")[0]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(forged.encode(), SECRET.encode())
    assert reason(f"{forged}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}") is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"exp": NOW - 29}, None),
        ({"exp": NOW - 30}, AuthReason.EXPIRED),
        ({"nbf": NOW + 30}, None),
        ({"nbf": NOW + 31}, AuthReason.NOT_YET_VALID),
        ({"iat": NOW + 31}, AuthReason.NOT_YET_VALID),
        ({"exp": None}, AuthReason.TIMES),
        ({"exp": str(NOW + 900)}, AuthReason.TIMES),
        ({"exp": True}, AuthReason.TIMES),
        ({"exp": 1e300}, AuthReason.TIMES),
        ({"nbf": "soon"}, AuthReason.TIMES),
        ({"sub": None}, AuthReason.SUBJECT),
        ({"sub": ""}, AuthReason.SUBJECT),
        ({"sub": 7}, AuthReason.SUBJECT),
        ({"sub": ["alice"]}, AuthReason.SUBJECT),
        ({"iss": "other"}, AuthReason.ISSUER),
        ({"iss": None}, AuthReason.ISSUER),
        ({"aud": ["other", "gw"]}, None),
        ({"aud": "other"}, AuthReason.AUDIENCE),
        ({"aud": None}, AuthReason.AUDIENCE),
    ],
)
def test_claims_are_checked_one_by_one(change: dict[str, Any], expected: AuthReason | None) -> None:
    claims = {name: value for name, value in (CLAIMS | change).items() if value is not None}
    # PyJWT would refuse to sign some of these, so they are signed as bytes.
    token = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, "HS256", headers={"kid": "hs"})
    assert reason(token) is expected


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "..",
        "a b.c.d",
        "ä.b.c",
        raw(b"\xef\xbb\xbf" + b'{"alg":"HS256"}', CLAIMS),
        raw('{"alg":"HS256"}'.encode("utf-16"), CLAIMS),
        raw(b"[]", CLAIMS),
        raw(b"{" * 4000, CLAIMS),
        raw({"alg": "HS256"}, CLAIMS)[:-1],
        raw({"alg": "HS256"}, CLAIMS)[:-1] + "Z",
    ],
)
def test_what_is_no_plain_token_is_malformed(token: str) -> None:
    assert reason(token) is AuthReason.MALFORMED


def test_duplicate_members_in_a_signed_payload_are_refused() -> None:
    payload = b'{"sub":"alice","sub":"bob","iss":"tacn","aud":"gw","exp":1800000900}'
    assert reason(jwt.api_jws.encode(payload, SECRET, "HS256")) is AuthReason.DUPLICATE
    assert reason(raw(b'{"alg":"HS256","alg":"none"}', CLAIMS)) is AuthReason.DUPLICATE


def test_a_token_over_8_kib_is_refused_unread() -> None:
    token = signed(CLAIMS | {"pad": "x" * 5900})
    assert len(token) <= MAX_TOKEN_BYTES
    assert reason(token) is None
    assert reason(signed(CLAIMS | {"pad": "x" * 6100})) is AuthReason.TOO_LONG


def test_an_encrypted_token_is_refused_as_one() -> None:
    assert reason("a.b.c.d.e") is AuthReason.ENCRYPTED


def test_a_wrong_signature_is_named() -> None:
    assert reason(signed(CLAIMS, "another secret of enough length!")) is AuthReason.SIGNATURE


def test_a_kid_binds_a_token_to_that_key() -> None:
    two = only(Key("HS256", "old", b"o" * 32), Key("HS256", "new", b"n" * 32))
    assert reason(signed(CLAIMS, "n" * 32, kid="new"), two) is None
    assert reason(signed(CLAIMS, "n" * 32, kid="old"), two) is AuthReason.SIGNATURE
    assert reason(signed(CLAIMS, "n" * 32, kid="other"), two) is AuthReason.UNKNOWN_KEY
    assert reason(signed(CLAIMS, "n" * 32, kid=None), two) is None


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_and_never_crash(noise: bytes) -> None:
    assert reason(noise.decode("latin-1")) is not None


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data: st.DataObject) -> None:
    token = signed(CLAIMS)
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_.~ ").filter(lambda char: char != token[position]))
    assert reason(token[:position] + other + token[position + 1 :]) is not None


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    calls: list[bytes] = []
    check = CHECKS["HS256"]

    def counting(material: Any, signed: bytes, signature: bytes) -> bool:
        calls.append(signature)
        return check(material, signed, signature)

    monkeypatch.setitem(cast("dict[str, Check]", CHECKS), "HS256", counting)
    return lambda: len(calls)


def test_a_known_token_is_not_verified_again_until_the_keys_change(counted: Callable[[], int]) -> None:
    cache, header = TokenCache(), f"Bearer {signed(CLAIMS)}"
    for _ in range(3):
        assert cache.verify(header, POLICY, NOW).claims["sub"] == "alice"
    assert counted() == 1
    changed = only(issuer="tacn", audience="gw", leeway=30)
    with pytest.raises(AuthError):
        cache.verify(header, changed, NOW)


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_a_token_written_in_an_unusual_way_is_the_same_token(counted: Callable[[], int], scheme: str) -> None:
    cache, token = TokenCache(), signed(CLAIMS)
    for header in (f"{scheme}{token}", f"Bearer {token}", f"{scheme}{token}"):
        assert cache.verify(header, POLICY, NOW).claims["sub"] == "alice"
    assert (counted(), repr(cache)) == (1, "<TokenCache 1 of 10000 tokens>")


@pytest.mark.parametrize("kid", [7, None, ["hs"]])
def test_a_kid_that_is_no_text_is_refused(kid: object) -> None:
    keyless = only(Key("HS256", None, b"s" * 32))
    assert reason(raw({"alg": "HS256", "kid": kid}, CLAIMS), keyless) is AuthReason.MALFORMED


@pytest.mark.parametrize(("claim", "bound"), [("nbf", NOW + 70), ("iat", NOW + 70)])
def test_a_known_token_is_not_good_before_its_time_when_the_clock_is_set_back(claim: str, bound: int) -> None:
    cache, header = TokenCache(), f"Bearer {signed(CLAIMS | {claim: bound})}"
    cache.verify(header, POLICY, NOW + 40)
    with pytest.raises(AuthError, match=r"not valid yet|in the future"):
        cache.verify(header, POLICY, NOW + 39)


def test_a_known_token_still_expires() -> None:
    cache, header = TokenCache(), f"Bearer {signed(CLAIMS)}"
    cache.verify(header, POLICY, NOW)
    with pytest.raises(AuthError, match="expired"):
        cache.verify(header, POLICY, NOW + 931)


def test_the_cache_is_bounded() -> None:
    cache = TokenCache(capacity=10)
    for number in range(50):
        cache.verify(f"Bearer {signed(CLAIMS | {'jti': str(number)})}", POLICY, NOW)
    assert repr(cache) == "<TokenCache 10 of 10 tokens>"


def test_a_token_that_is_forgotten_holds_on_to_nobody() -> None:
    cache, headers = TokenCache(capacity=1), [f"Bearer {signed(CLAIMS | {'jti': jti})}" for jti in "ab"]
    first, second = (cache.verify(header, POLICY, NOW) for header in headers)
    assert (first.caller, second.caller) == (None, None)
    for known in (first, second):
        known.caller = Caller("127.0.0.1", known, "alice", "claim:sub=alice")
    cache.verify(headers[0], POLICY, NOW)
    assert second.caller is None
    again = cache.verify(headers[0], POLICY, NOW)
    again.caller = Caller("127.0.0.1", again, "alice", "claim:sub=alice")
    cache.put_keys("https://idp.example/jwks", None)
    assert again.caller is None


@pytest.mark.parametrize("payload", [b'{"sub":"\\ud800","exp":4e9}', b'{"sub":"a","exp":4e9,"x":[{"\\udfff":1}]}'])
def test_a_claim_that_is_no_unicode_text_is_refused(payload: bytes) -> None:
    token = jwt.api_jws.encode(payload, SECRET, "HS256")
    with pytest.raises(AuthError, match="cannot be read") as caught:
        TokenCache().verify(f"Bearer {token}", POLICY, NOW)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Bearer", "Bearer ", "bearer\tx", "Token x"])
def test_no_bearer_token_is_a_challenge_without_a_crash(authorization: str | None) -> None:
    with pytest.raises(AuthError) as caught:
        TokenCache().verify(authorization, POLICY, NOW)
    assert caught.value.challenge.startswith('Bearer error="invalid_token", error_description="')
