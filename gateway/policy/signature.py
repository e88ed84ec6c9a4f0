"""Whether a signature fits, by the algorithm of the key (RFC 7518, RFC 8037). Never by that of the token.

PyJWT does it with `cryptography`, but for ECDSA and HMAC: what surrounds the mathematics costs as much as a sixth of it
there, and several times as much here.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from jwt.algorithms import get_default_algorithms

type Check = Callable[[Any, bytes, bytes], bool]
"""Takes a key's material, what was signed, and the signature as it stands in the token."""

ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""What keys that everybody may see are good for."""

INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))

PLAIN: Final = [b"\x02%c" % size for size in range(67)]
SIGNED: Final = [b"\x02%c\0" % (size + 1) for size in range(67)]
SHORT: Final = [b"\x30%c" % size for size in range(128)]
"""How DER begins, by size in bytes: an integer as it is, one with a zero in front, and a pair of them."""


def _by_pyjwt(name: str) -> Check:
    algorithm = get_default_algorithms()[name]

    def check(material: Any, signed: bytes, signature: bytes) -> bool:
        try:
            return bool(algorithm.verify(signed, material, signature))
        except (jwt.PyJWTError, ValueError, TypeError):
            return False

    return check


def _by_hmac(name: str) -> Check:
    """Check by HMAC written out (RFC 2104): OpenSSL looks its own up anew each time, which is three quarters of it."""
    made = getattr(hashlib, name)
    block = made().block_size

    @lru_cache(maxsize=64)
    def pads(secret: bytes) -> tuple[bytes, bytes]:
        key = (secret if len(secret) <= block else made(secret).digest()).ljust(block, b"\0")
        return key.translate(INNER), key.translate(OUTER)

    def check(material: Any, signed: bytes, signature: bytes) -> bool:
        inner, outer = pads(material)
        return hmac.compare_digest(made(outer + made(inner + signed).digest()).digest(), signature)

    return check


def _by_ecdsa(size: int, digest: hashes.HashAlgorithm) -> Check:
    """Check R and S, of `size` bytes each, which is what a token holds in place of DER (RFC 7518 section 3.4)."""
    algorithm, made = ec.ECDSA(Prehashed(digest)), getattr(hashlib, digest.name)

    def check(material: Any, signed: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * size:
            return False
        try:
            material.verify(_der(signature[:size], signature[size:]), made(signed).digest(), algorithm)
        except (InvalidSignature, ValueError):
            return False
        return True

    return check


def _der(r: bytes, s: bytes) -> bytes:
    """Return an ECDSA-Sig-Value (RFC 3279 section 2.2.3). R and S have at most 66 bytes."""
    first, second = _integer(r), _integer(s)
    size = len(first) + len(second)
    return (SHORT[size] if size < 128 else b"\x30\x81%c" % size) + first + second


def _integer(unsigned: bytes) -> bytes:
    """Return a DER INTEGER: no needless zeros in front, but one where the first bit would mean a minus."""
    if unsigned[0] == 0:
        unsigned = unsigned.lstrip(b"\0") or b"\0"
    return (SIGNED if unsigned[0] > 127 else PLAIN)[len(unsigned)] + unsigned


CHECKS: Final[Mapping[str, Check]] = {
    **{name: _by_hmac(f"sha{name[2:]}") for name in ("HS256", "HS384", "HS512")},
    **{name: _by_pyjwt(name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA")},
    "ES256": _by_ecdsa(32, hashes.SHA256()),
    "ES384": _by_ecdsa(48, hashes.SHA384()),
    "ES512": _by_ecdsa(66, hashes.SHA512()),
}
"""By algorithm; these are all that a key may be configured for."""
