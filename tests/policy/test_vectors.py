"""Tokens from RFCs, advisories and lists of known attacks, each with its source and its verdict."""

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

from gateway.callers.jwks import read
from gateway.config.issuer import AuthPolicy, Issuer, Key
from gateway.core.http import RequestHead
from gateway.policy.auth import TokenCache
from gateway.policy.refusal import AuthError

FOLDER = Path(__file__).parent / "jwt"
NOW = 1_900_000_000
EVIL = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECRET = json.loads((FOLDER / "secret.json").read_text())["secret"].encode()
VECTORS = [json.loads(line) for line in (FOLDER / "vectors.jsonl").read_text("utf-8").splitlines()]


def policy() -> AuthPolicy:
    keys, complaints = read((FOLDER / "jwks.json").read_bytes())
    assert [(key.algorithm, key.kid) for key in keys] == [("RS256", "kid-rs"), ("ES256", "kid-es")]
    assert complaints == []
    issuer = Issuer("https://issuer.test", "gw", (Key("HS256", "kid-hs", SECRET), *keys))
    return AuthPolicy((issuer,), 30, {"sub": "X-User-Id"})


POLICY = policy()


def signed(header: dict[str, Any], claims: dict[str, Any], signer: str, now: float = NOW) -> str:
    """Sign what a vector describes; the attacker's key is our own here, and his server nowhere."""
    text = json.dumps(header).replace("@EVIL@", "http://127.0.0.1:1")
    if header.get("jwk") is not None:
        header = {**header, "jwk": RSAAlgorithm.to_jwk(EVIL.public_key(), as_dict=True)}
        text = json.dumps(header)
    if signer == "hs":
        # Its times count from now on.
        usual = {"iss": "https://issuer.test", "aud": "gw", "sub": "alice", "exp": int(now) + 300}
        claims = usual | {name: int(now) + seconds for name, seconds in claims.items()}
    parts = ".".join(_part(part) for part in (text, json.dumps(claims)))
    if signer == "hs":
        signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(parts.encode(), SECRET)
    else:
        signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(parts.encode(), EVIL)
    return f"{parts}.{jwt.utils.base64url_encode(signature).decode()}"


def _part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def verdict(authorizations: list[Any]) -> str:
    """Return what becomes of a request with these fields, which the wire joins as any others."""
    values = [one if isinstance(one, str) else f"Bearer {signed(*one)}" for one in authorizations]
    head = RequestHead.of("GET", "/", [("Authorization", value) for value in values])
    try:
        TokenCache().verify(head.get("authorization"), POLICY, NOW)
    except AuthError:
        return "reject"
    return "accept"


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_known_token_gets_its_verdict(vector: dict[str, Any]) -> None:
    found = verdict(vector["auth"])
    assert vector["expect"] in {found, "either"}
