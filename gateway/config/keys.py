"""The keys that may sign tokens, made ready for PyJWT (RFC 7518)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from gateway.config.issuer import Key
from gateway.config.schema import JwtKey

HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""RFC 7518 section 3.2: a key of the same size as the hash output or larger MUST be used."""
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
MAX_PEM_BYTES = 64 << 10


class KeyFaultError(ValueError):
    """A key that cannot be used; `field` is the key of the file that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def load_key(spec: JwtKey) -> Key:
    """Return the key; raises KeyFaultError."""
    if spec.alg in HMAC_BYTES:
        return Key(spec.alg, spec.kid, _secret(spec, HMAC_BYTES[spec.alg]))
    return Key(spec.alg, spec.kid, _public(spec))


def unfit(key: Any, algorithm: str) -> str | None:
    """Return why a public key is no good for an asymmetric algorithm; None for one that is."""
    return _REFUSALS[algorithm[:2]](key, algorithm)


def _secret(spec: JwtKey, minimum: int) -> bytes:
    if spec.public_key is not None:
        raise KeyFaultError(
            "public_key", f"{spec.alg} signs with a shared secret: write secret, or alg: RS256 for this key"
        )
    if spec.secret is None:
        raise KeyFaultError("secret", f"is missing: {spec.alg} needs secret")
    material = spec.secret.encode()
    if b"-----BEGIN " in material:
        raise KeyFaultError(
            "secret", f"is a PEM key, which is not secret from those who verify: {spec.alg} needs random text"
        )
    if len(material) < minimum:
        hint = f"openssl rand -base64 {minimum}"
        raise KeyFaultError(
            "secret", f"is shorter than the {minimum} bytes that {spec.alg} needs; make one with: {hint}"
        )
    return material


def _public(spec: JwtKey) -> Any:
    if spec.secret is not None:
        raise KeyFaultError("secret", f"{spec.alg} verifies with a public key: write public_key: FILE, or alg: HS256")
    if spec.public_key is None:
        raise KeyFaultError("public_key", f"is missing: {spec.alg} needs public_key: FILE (PEM)")
    key = _load(_pem(spec.public_key))
    reason = unfit(key, spec.alg)
    if reason is not None:
        raise KeyFaultError("public_key", reason)
    return key


def _pem(path: Path) -> bytes:
    if not path.is_file():
        raise KeyFaultError("public_key", f"there is no file '{path}'; write the path of a PEM file")
    try:
        with path.open("rb") as file:
            found = file.read(MAX_PEM_BYTES)
    except OSError as error:
        raise KeyFaultError("public_key", f"the file '{path}' cannot be read: {error.strerror}") from None
    if b"PRIVATE KEY-----" in found:
        raise KeyFaultError("public_key", f"'{path}' holds a private key: give the gateway the public one only")
    return found


def _load(pem: bytes) -> Any:
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            return load_pem_x509_certificate(pem).public_key()
        return load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFaultError("public_key", "is not a PEM file with a public key (-----BEGIN PUBLIC KEY-----)") from None


def _refuse_rsa(key: Any, algorithm: str) -> str | None:
    if not isinstance(key, rsa.RSAPublicKey):
        return f"is not an RSA key, which {algorithm} needs"
    if key.key_size < MIN_RSA_BITS:
        return f"is an RSA key of {key.key_size} bits; use at least {MIN_RSA_BITS}"
    if key.key_size > MAX_RSA_BITS:
        return f"is an RSA key of {key.key_size} bits, which takes long to verify with; use at most {MAX_RSA_BITS}"
    return None


def _refuse_ec(key: Any, algorithm: str) -> str | None:
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != CURVES[algorithm]:
        return f"is not an EC key on the curve {CURVES[algorithm]}, which {algorithm} needs"
    return None


def _refuse_ed(key: Any, algorithm: str) -> str | None:
    if not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return f"is not an Ed25519 or Ed448 key, which {algorithm} needs"
    return None


_REFUSALS: dict[str, Callable[[Any, str], str | None]] = {
    "RS": _refuse_rsa,
    "PS": _refuse_rsa,
    "ES": _refuse_ec,
    "Ed": _refuse_ed,
}
"""Says, by the algorithm's first two letters, why a key is no good for it."""
