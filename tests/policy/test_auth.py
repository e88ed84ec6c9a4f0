"""Which tokens are good, and why the others are not."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.snapshot import AuthPolicy, Key
from gateway.policy.auth import AuthError, AuthReason, TokenCache, verify

NOW = 1_800_000_000
SECRET = "s" * 32
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
POLICY = AuthPolicy(
    keys=(
        Key("HS256", "hs", SECRET.encode()),
        Key("RS256", "rs", RSA.public_key()),
        Key("ES256", "es", EC.public_key()),
        Key("EdDSA", "ed", ED.public_key()),
    ),
    issuer="tacn",
    audience="gw",
    leeway=30,
    forward={},
)
CLAIMS: dict[str, Any] = {"sub": "alice", "iss": "tacn", "aud": "gw", "exp": NOW + 900}


def signed(claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", kid: str | None = "hs") -> str:
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid is not None else {})


def reason(token: str, policy: AuthPolicy = POLICY, now: float = NOW) -> AuthReason | None:
    try:
        verify(token, policy, now)
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
    assert verify(signed(CLAIMS, key, algorithm, kid), POLICY, NOW)["sub"] == "alice"
    assert verify(signed(CLAIMS, key, algorithm, None), POLICY, NOW)["sub"] == "alice"


def test_an_rsa_public_key_is_no_hmac_secret() -> None:
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    only_rsa = AuthPolicy(
        keys=(Key("RS256", None, RSA.public_key()),), issuer=None, audience=None, leeway=0, forward={}
    )
    forged = raw({"alg": "HS256"}, CLAIMS, b"")
    head, payload, _ = forged.split(".")
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{head}.{payload}".encode(), public
    )
    token = f"{head}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert reason(token, only_rsa) is AuthReason.UNKNOWN_KEY


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "RS512", "", None, 7])
def test_the_token_does_not_choose_its_algorithm(algorithm: object) -> None:
    assert reason(raw({"alg": algorithm}, CLAIMS)) is AuthReason.UNKNOWN_KEY


@pytest.mark.parametrize("parameter", ["jwk", "jku", "x5u", "x5c", "crit", "enc"])
def test_a_token_that_brings_its_own_key_or_rules_is_refused(parameter: str) -> None:
    assert reason(raw({"alg": "HS256", parameter: "x"}, CLAIMS)) is AuthReason.MALFORMED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"exp": NOW - 29}, None),
        ({"exp": NOW - 30}, AuthReason.EXPIRED),
        ({"nbf": NOW + 30}, None),
        ({"nbf": NOW + 31}, AuthReason.NOT_YET_VALID),
        ({"iat": NOW + 31}, AuthReason.NOT_YET_VALID),
        ({"exp": None}, AuthReason.CLAIMS),
        ({"exp": str(NOW + 900)}, AuthReason.CLAIMS),
        ({"exp": True}, AuthReason.CLAIMS),
        ({"exp": 1e300}, AuthReason.CLAIMS),
        ({"nbf": "soon"}, AuthReason.CLAIMS),
        ({"sub": None}, AuthReason.CLAIMS),
        ({"sub": ""}, AuthReason.CLAIMS),
        ({"sub": 7}, AuthReason.CLAIMS),
        ({"sub": ["alice"]}, AuthReason.CLAIMS),
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
        raw(b'{"alg":"HS256","alg":"HS256"}', CLAIMS),
        raw(b"[]", CLAIMS),
        raw(b"{" * 4000, CLAIMS),
        raw({"alg": "HS256", "pad": "x" * 9000}, CLAIMS),
    ],
)
def test_what_is_no_plain_token_is_malformed(token: str) -> None:
    assert reason(token) is AuthReason.MALFORMED


def test_duplicate_members_in_a_signed_payload_are_refused() -> None:
    payload = b'{"sub":"alice","sub":"bob","iss":"tacn","aud":"gw","exp":1800000900}'
    assert reason(jwt.api_jws.encode(payload, SECRET, "HS256")) is AuthReason.MALFORMED


def test_a_wrong_signature_is_named() -> None:
    assert reason(signed(CLAIMS, "another secret of enough length!")) is AuthReason.SIGNATURE


def test_a_kid_binds_a_token_to_that_key() -> None:
    two = AuthPolicy(
        keys=(Key("HS256", "old", b"o" * 32), Key("HS256", "new", b"n" * 32)),
        issuer=None, audience=None, leeway=0, forward={},
    )  # fmt: skip
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
    # The last character of a part may carry unused bits, which two base64url texts can share.
    position = data.draw(st.integers(0, len(token) - 1).filter(lambda at: token[at : at + 2][-1:] not in {".", ""}))
    other = data.draw(st.sampled_from("ABCxyz019-_.~ ").filter(lambda char: char != token[position]))
    changed = token[:position] + other + token[position + 1 :]
    assert position == len(token) - 1 or reason(changed) is not None


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    calls: list[str] = []

    def counting(token: str, policy: AuthPolicy, now: float) -> Any:
        calls.append(token)
        return verify(token, policy, now)

    monkeypatch.setattr("gateway.policy.auth.verify", counting)
    return lambda: len(calls)


def test_a_known_token_is_not_verified_again_until_the_keys_change(counted: Callable[[], int]) -> None:
    cache, header = TokenCache(), f"Bearer {signed(CLAIMS)}"
    for _ in range(3):
        assert cache.verify(header, POLICY, NOW).claims["sub"] == "alice"
    assert counted() == 1
    changed = AuthPolicy(keys=(), issuer="tacn", audience="gw", leeway=30, forward={})
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
    keyless = AuthPolicy(keys=(Key("HS256", None, b"s" * 32),), issuer=None, audience=None, leeway=0, forward={})
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
