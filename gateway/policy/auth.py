"""Bearer tokens: which are good, whose they are, and the precise reason when one is not (RFC 6750, 7515, 7519)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Protocol

import jwt
from jwt.algorithms import get_default_algorithms

from gateway.config.snapshot import AuthPolicy, Key
from gateway.policy.revocation import RevocationList
from gateway.policy.verified import Claims, Verified

MAX_TOKEN_BYTES = 8192
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
FOREIGN_KEYS = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "enc", "zip", "b64"})
"""Header parameters that would let the token choose its key or its meaning (RFC 7515 section 4.1, RFC 7797)."""
ALGORITHMS: Final = get_default_algorithms()


class AuthReason(StrEnum):
    """Why there is no caller: the label of `crossfade_auth_failures_total`."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    CLAIMS = "claims"
    REVOKED = "revoked"


class AuthError(Exception):
    """A token that is not accepted. `description` is told to the client; it never holds the token."""

    def __init__(self, reason: AuthReason, description: str) -> None:
        super().__init__(description)
        self.reason = reason
        self.description = description

    @property
    def challenge(self) -> str:
        """The value of `WWW-Authenticate` (RFC 6750 section 3)."""
        return f'Bearer error="invalid_token", error_description="{self.description}"'


class MissingKeyError(Exception):
    """No key that is known here fits, but the issuer's keys at `url`, fetched anew, may hold one that does."""

    def __init__(self, url: str, kid: str | None) -> None:
        super().__init__(url)
        self.url = url
        self.kid = kid


class KeysUnavailableError(Exception):
    """Nobody can tell whether the token is good: its issuer's keys cannot be fetched."""


class Verifier(Protocol):
    """Turns an `Authorization` value into a verified token; raises AuthError, MissingKeyError, KeysUnavailableError."""

    def verify(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified: ...


class TokenCache:
    """Verifies tokens and remembers the good ones by their raw text until they expire, are revoked or the keys change.

    Who changes `revoked` calls `drop_revoked`, so that a remembered token needs no look at that list. Holds at most
    `capacity` tokens, each as the `Authorization` value that most clients send; the ones seen first go first. A refused
    token is never remembered.
    """

    def __init__(self, capacity: int = 10_000, revoked: RevocationList | None = None) -> None:
        self.revoked = revoked if revoked is not None else RevocationList()
        self._capacity = capacity
        self._policy: AuthPolicy | None = None
        self._known: dict[str, Verified] = {}

    def __repr__(self) -> str:
        return f"<TokenCache {len(self._known)} of {self._capacity} tokens>"

    def verify(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified:
        """Return the verified token; raises AuthError."""
        if policy is not self._policy:
            self._policy = policy
            self._known.clear()
        known = self._known.get(authorization) if authorization is not None else None
        if known is None:
            known = self._look(bearer(authorization), policy, now)
        if not known.starts <= now < known.ends:
            check_times(known.claims, policy, now)
        return known

    def drop_revoked(self, now: float) -> None:
        """Forget the tokens that have been revoked."""
        gone = [raw for raw, known in self._known.items() if self.revoked.refuses(known.texts, known.claims, now)]
        for raw in gone:
            del self._known[raw]

    def _look(self, token: str, policy: AuthPolicy, now: float) -> Verified:
        """Return a token that was written in an unusual way, or is not known yet."""
        usual = f"Bearer {token}"
        known = self._known.get(usual)
        if known is None:
            known = Verified.of(verify(token, policy, now), policy)
            if self.revoked.refuses(known.texts, known.claims, now):
                raise AuthError(AuthReason.REVOKED, "the token has been revoked")
            if len(self._known) >= self._capacity:
                del self._known[next(iter(self._known))]
            self._known[usual] = known
        return known


@dataclass(frozen=True, slots=True)
class GivenClaims:
    """A verifier for explanations: it takes the caller's claims as given, and knows no tokens."""

    claims: Claims | None

    def verify(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified:
        """Return the given claims as a token that is always good; raises AuthError when there are none."""
        if self.claims is None:
            raise AuthError(AuthReason.MISSING, "the request has no bearer token")
        return Verified.given(self.claims, policy)


def bearer(authorization: str | None) -> str:
    """Return the token of an `Authorization: Bearer` value; raises AuthError."""
    if authorization is None:
        raise AuthError(AuthReason.MISSING, "the request has no bearer token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise AuthError(AuthReason.MISSING, "the authorization scheme is not Bearer")
    return token.strip(" ")


def verify(token: str, policy: AuthPolicy, now: float) -> Claims:
    """Verify one compact JWS and return its payload; raises AuthError.

    The key decides the algorithm, never the token, so a token signed with an RSA public key as an HMAC secret, or with
    `none`, finds no key. Times are compared with `now` (Unix seconds) and the policy's leeway.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise AuthError(AuthReason.MALFORMED, "the token is longer than 8 KiB")
    if not COMPACT.fullmatch(token):
        raise AuthError(AuthReason.MALFORMED, "the token is not a compact JWS")
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    _check_signature(signed.encode(), _decode(signature), _keys_for(_header(header), policy))
    claims = _strict_object(_decode(payload))
    _check_claims(claims, policy)
    check_times(claims, policy, now)
    return claims


def check_times(claims: Claims, policy: AuthPolicy, now: float) -> None:
    """Check `exp`, `nbf` and `iat` (RFC 7519 section 4.1.4–4.1.6); raises AuthError."""
    if now >= claims["exp"] + policy.leeway:
        raise AuthError(AuthReason.EXPIRED, "the token has expired")
    if now < claims.get("nbf", now) - policy.leeway:
        raise AuthError(AuthReason.NOT_YET_VALID, "the token is not valid yet")
    if now < claims.get("iat", now) - policy.leeway:
        raise AuthError(AuthReason.NOT_YET_VALID, "the token was issued in the future")


@lru_cache(maxsize=256)
def _header(segment: str) -> Mapping[str, Any]:
    """Read a token's header; an issuer uses few, and each in very many tokens."""
    return _strict_object(_decode(segment))


def _keys_for(header: Mapping[str, Any], policy: AuthPolicy) -> list[Key]:
    """A token with a kid may only be signed by that key, or by one that was configured without a kid."""
    if FOREIGN_KEYS & header.keys() or not isinstance(header.get("kid", ""), str):
        raise AuthError(AuthReason.MALFORMED, "the token's header has a parameter that is not accepted")
    algorithm, kid = header.get("alg"), header.get("kid")
    keys = [
        key for key in policy.keys if key.algorithm == algorithm and (kid is None or key.kid is None or key.kid == kid)
    ]
    if not keys:
        raise AuthError(AuthReason.UNKNOWN_KEY, "no configured key fits the token's algorithm and kid")
    return keys


def _check_signature(signed: bytes, signature: bytes, keys: list[Key]) -> None:
    for key in keys:
        algorithm = ALGORITHMS[key.algorithm]
        try:
            material = _secret(key.algorithm, key.material) if isinstance(key.material, bytes) else key.material
            is_signed = algorithm.verify(signed, material, signature)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise AuthError(AuthReason.MALFORMED, "the token cannot be read") from None
        if is_signed:
            return
    raise AuthError(AuthReason.SIGNATURE, "the signature does not fit")


@lru_cache(maxsize=64)
def _secret(algorithm: str, material: bytes) -> Any:
    """Return a shared secret that PyJWT has looked at, lest it be a public key: it looks long, so once is enough."""
    return ALGORITHMS[algorithm].prepare_key(material)


def _decode(segment: str) -> bytes:
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise AuthError(AuthReason.MALFORMED, "the token is not base64url") from None


def _strict_object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object as UTF-8 without a byte order mark, duplicate members or NaN (RFC 8725 section 3)."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\u" in raw:
            # Half of a surrogate pair (RFC 8259 section 8.2), only ever escaped, can be in no header, log line or hash.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise AuthError(AuthReason.MALFORMED, "the token's JSON cannot be read") from None
    if not isinstance(value, dict):
        raise AuthError(AuthReason.MALFORMED, "the token's JSON is not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _check_claims(claims: Claims, policy: AuthPolicy) -> None:
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or not all(_is_time(value) for value in times.values()):
        raise AuthError(AuthReason.CLAIMS, "exp is missing, or one of exp, nbf and iat is not a number")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise AuthError(AuthReason.CLAIMS, "the claim sub is missing or not a text")
    if policy.issuer is not None and claims.get("iss") != policy.issuer:
        raise AuthError(AuthReason.ISSUER, "the token is from another issuer")
    if policy.audience is not None and policy.audience not in _audiences(claims.get("aud")):
        raise AuthError(AuthReason.AUDIENCE, "the token is for another audience")


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _audiences(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
