"""A JSON Web Key Set read with suspicion (RFC 7517): only keys that verify, each for one algorithm.

The set as a whole is accepted or not; a single key that is no good is left out, because issuers publish keys for
others, too.
"""

from collections.abc import Mapping
from typing import Any, Final

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.config.issuer import Key
from gateway.config.keys import unfit
from gateway.policy.jws import MAX_KID_CHARACTERS
from gateway.policy.signature import ASYMMETRIC

MAX_KEYS: Final = 100
"""A token without a kid is tried with every key of its algorithm."""

USUAL: Final = {
    "RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA",
}  # fmt: skip
"""What a key is good for that does not say so, by its type or curve: one algorithm only, like every key."""

KINDS: Final[Mapping[str, Any]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
BROKEN: Final = (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What PyJWT and `cryptography` raise for members that are missing, of another type, or no point of the curve."""


class MalformedKeySetError(ValueError):
    """Bytes that are no key set."""


class UnfitKeyError(ValueError):
    """A key of a set that must not be used; the message says why."""


def read(raw: bytes) -> tuple[tuple[Key, ...], list[str]]:
    """Return the keys of a set, and what is wrong with those left out; raises MalformedKeySetError."""
    try:
        document = orjson.loads(raw)
    except ValueError:
        raise MalformedKeySetError("the answer is not JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise MalformedKeySetError("the answer is not a key set")
    keys: list[Key] = []
    complaints: list[str] = []
    for position, entry in enumerate(entries):
        try:
            key = _key(entry)
            if key is not None:
                keys.append(_unique(key, keys))
        except UnfitKeyError as error:
            complaints.append(f"keys[{position}] {error}")
    return tuple(keys), complaints


def _key(entry: Any) -> Key | None:
    """Return a key; None for one that is meant for something else. Raises UnfitKeyError."""
    if not isinstance(entry, dict):
        raise UnfitKeyError("is not an object")
    if entry.get("kty") == "oct":
        raise UnfitKeyError("is a symmetric key, which nobody may publish")
    kind = entry.get("kty")
    if not isinstance(kind, str) or kind not in KINDS or not _is_for_verifying(entry):
        return None
    if not PRIVATE.isdisjoint(entry):
        raise UnfitKeyError("is a private key, so whoever has read it can sign; the issuer must replace it")
    kid = entry.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > MAX_KID_CHARACTERS):
        raise UnfitKeyError("has a kid that is no text, or a very long one")
    algorithm = _algorithm(entry)
    return Key(algorithm, kid, _material(entry, algorithm))


def _is_for_verifying(entry: Mapping[str, Any]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return entry.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _algorithm(entry: Mapping[str, Any]) -> str:
    kind = entry["kty"] if entry["kty"] == "RSA" else entry.get("crv")
    given = entry.get("alg")
    found = given if given is not None else USUAL.get(kind) if isinstance(kind, str) else None
    if not isinstance(found, str) or found not in ASYMMETRIC:
        raise UnfitKeyError("is for an algorithm that is not known here")
    return found


def _material(entry: Mapping[str, Any], algorithm: str) -> Any:
    try:
        found = KINDS[entry["kty"]].from_jwk(dict(entry))
    except BROKEN:
        raise UnfitKeyError("cannot be read") from None
    reason = unfit(found, algorithm)
    if reason is not None:
        raise UnfitKeyError(reason)
    return found


def _unique(key: Key, others: list[Key]) -> Key:
    if len(others) >= MAX_KEYS:
        raise UnfitKeyError(f"is one more than {MAX_KEYS}")
    if key.kid is not None and any(other.kid == key.kid for other in others):
        raise UnfitKeyError("has the kid of an earlier one")
    return key
