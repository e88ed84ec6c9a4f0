"""Keys and tokens of the benchmark's users. Owns the claims that every peer checks; keys are made anew for each run."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ISSUER = "https://idp.example"
AUDIENCE = "quotes-api"
SECRET = "only-for-benchmarks-0123456789abcdef0123456789abcdef"
ALGORITHMS = ("hs256", "rs256", "es256")
USERS = 1_000

type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Keys:
    """The folder with `hs.key`, `rs.pub.pem`, `es.pub.pem` and `jwks.json`, and the private keys behind them."""

    folder: Path
    rs: rsa.RSAPrivateKey
    es: ec.EllipticCurvePrivateKey

    def signing(self, algorithm: str) -> str | PrivateKey:
        """Return what tokens of this algorithm are signed with."""
        keys: dict[str, str | PrivateKey] = {"hs256": SECRET, "rs256": self.rs, "es256": self.es}
        return keys[algorithm]


def make_keys(folder: Path) -> Keys:
    """Make keys and write the public sides for the peers."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = Keys(folder, rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()))
    (folder / "hs.key").write_text(SECRET)
    for name, key in (("rs", keys.rs), ("es", keys.es)):
        _write_pair(folder, name, key)
    (folder / "jwks.json").write_text(json.dumps({"keys": _jwks(keys)}))
    return keys


def _write_pair(folder: Path, name: str, key: PrivateKey) -> None:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub.pem").write_bytes(public)


def _jwks(keys: Keys) -> list[dict[str, object]]:
    shared = {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()}
    rs = jwt.algorithms.RSAAlgorithm.to_jwk(keys.rs.public_key(), as_dict=True)
    es = jwt.algorithms.ECAlgorithm.to_jwk(keys.es.public_key(), as_dict=True)
    rs.pop("key_ops", None)
    named = (("hs", "HS256", shared), ("rs", "RS256", rs), ("es", "ES256", es))
    return [{**jwk, "kid": kid, "alg": algorithm} for kid, algorithm, jwk in named]


def claims(subject: str, *, lifetime: int = 86_400) -> dict[str, object]:
    """Return what a user's token says; a negative lifetime is an expired one."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "iat": now - 60,
        "exp": now + lifetime,
        "scope": "quotes:read",
    }


def token(keys: Keys, algorithm: str, subject: str, *, lifetime: int = 86_400) -> str:
    """Return one signed token."""
    header = {"kid": algorithm[:2]}
    return jwt.encode(
        claims(subject, lifetime=lifetime), keys.signing(algorithm), algorithm=algorithm.upper(), headers=header
    )


def subject(number: int) -> str:
    """Return the name of user `number`."""
    return f"user-{number:05d}"


def users(keys: Keys, algorithm: str) -> list[str]:
    """Return the tokens of the 1 000 users."""
    return [token(keys, algorithm, subject(number)) for number in range(USERS)]


class Signer:
    """Signs many different HS256 tokens quickly: the header is encoded once."""

    def __init__(self) -> None:
        self._header = _encoded({"alg": "HS256", "kid": "hs", "typ": "JWT"})
        self._mac = hmac.new(SECRET.encode(), self._header + b".", hashlib.sha256)
        self._claims = claims("")

    def token(self, subject: str) -> str:
        """Return a token for this subject."""
        body = _encoded({**self._claims, "sub": subject})
        mac = self._mac.copy()
        mac.update(body)
        signature = base64.urlsafe_b64encode(mac.digest()).rstrip(b"=")
        return b".".join((self._header, body, signature)).decode()


def _encoded(value: dict[str, object]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=")
