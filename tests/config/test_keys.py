"""Keys that may sign tokens are checked when the file is read, and are what PyJWT takes."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.config.keys import KeyFaultError, load_key
from gateway.config.schema import JwtKey

MAKERS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "small": lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed": ed25519.Ed25519PrivateKey.generate,
}
CLAIMS = {"sub": "alice"}


@pytest.fixture(scope="module")
def private() -> dict[str, Any]:
    return {name: make() for name, make in MAKERS.items()}


@pytest.fixture(scope="module")
def folder(private: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("keys")
    for name, key in private.items():
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (found / f"{name}.pem").write_bytes(pem)
    secret = private["ed"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (found / "private.pem").write_bytes(secret)
    (found / "certificate.pem").write_bytes(_certificate(private["rsa"]))
    (found / "der.pem").write_bytes(private["rsa"].public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1))
    (found / "empty.pem").write_bytes(b"")
    return found


def _certificate(key: Any) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    return dated.serial_number(7).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("algorithm", "signer", "file"),
    [
        ("RS256", "rsa", "rsa.pem"),
        ("PS512", "rsa", "rsa.pem"),
        ("RS256", "rsa", "certificate.pem"),
        ("ES256", "p256", "p256.pem"),
        ("ES384", "p384", "p384.pem"),
        ("EdDSA", "ed", "ed.pem"),
    ],
)
def test_a_public_key_verifies_what_its_private_key_signed(
    folder: Path, private: dict[str, Any], algorithm: str, signer: str, file: str
) -> None:
    key = load_key(JwtKey.model_validate({"alg": algorithm, "kid": "k1", "public_key": str(folder / file)}))
    token = jwt.encode(CLAIMS, private[signer], algorithm=algorithm)
    assert jwt.decode(token, key.material, algorithms=[key.algorithm]) == CLAIMS
    assert (key.algorithm, key.kid) == (algorithm, "k1")


def test_a_secret_verifies_what_it_signed_and_does_not_show() -> None:
    key = load_key(JwtKey(alg="HS256", secret="schlüssel-" * 4))
    token = jwt.encode(CLAIMS, "schlüssel-" * 4, algorithm="HS256")
    assert jwt.decode(token, key.material, algorithms=["HS256"]) == CLAIMS
    assert "schl" not in repr(key)


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_has_at_least_the_bytes_of_its_hash(algorithm: str, size: int) -> None:
    assert load_key(JwtKey.model_validate({"alg": algorithm, "secret": "x" * size})).material == b"x" * size
    with pytest.raises(KeyFaultError, match=f"openssl rand -base64 {size}"):
        load_key(JwtKey.model_validate({"alg": algorithm, "secret": "x" * (size - 1)}))


@pytest.mark.parametrize(
    ("algorithm", "file", "words"),
    [
        ("RS256", "small.pem", "is an RSA key of 1024 bits; use at least 2048"),
        ("RS256", "p256.pem", "is not an RSA key"),
        ("ES256", "rsa.pem", "is not an EC key on the curve secp256r1"),
        ("ES256", "p384.pem", "is not an EC key on the curve secp256r1"),
        ("EdDSA", "p256.pem", "is not an Ed25519 or Ed448 key"),
        ("EdDSA", "private.pem", "holds a private key"),
        ("RS256", "der.pem", "is not a PEM file"),
        ("RS256", "empty.pem", "is not a PEM file"),
        ("RS256", "nowhere.pem", "there is no file"),
        ("RS256", "", "there is no file"),
    ],
)
def test_a_public_key_that_cannot_be_used_says_why(folder: Path, algorithm: str, file: str, words: str) -> None:
    with pytest.raises(KeyFaultError, match=words) as caught:
        load_key(JwtKey.model_validate({"alg": algorithm, "public_key": f"{folder}/{file}"}))
    assert caught.value.field == "public_key"


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"alg": "HS256"}, "secret", "is missing: HS256 needs secret"),
        ({"alg": "RS256"}, "public_key", "is missing: RS256 needs public_key"),
        ({"alg": "HS256", "public_key": "a.pem"}, "public_key", "HS256 signs with a shared secret"),
        ({"alg": "RS256", "secret": "x" * 64}, "secret", "RS256 verifies with a public key"),
        ({"alg": "HS256", "secret": "-----BEGIN PUBLIC KEY-----\n" + "x" * 64}, "secret", "is a PEM key"),
    ],
)
def test_a_key_of_the_wrong_kind_says_what_the_algorithm_needs(spec: dict[str, str], field: str, words: str) -> None:
    with pytest.raises(KeyFaultError, match=words) as caught:
        load_key(JwtKey.model_validate(spec))
    assert caught.value.field == field
