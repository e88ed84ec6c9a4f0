"""One token, from its text to its claims: a compact JWS with a JWT in it (RFC 7515, 7519), held to RFC 8725.

What is cheap is looked at first, so that neither an expired token nor nonsense costs a signature. Until that has been
checked, nothing that a token says is believed; it only chooses among what was configured.
"""

import json
from binascii import Error as NotBase64Error
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, Final

import orjson

from gateway.config.issuer import AuthPolicy, Issuer, Key
from gateway.policy.refusal import AuthError, AuthReason, MissingKeyError, unknown_key
from gateway.policy.signature import ASYMMETRIC, CHECKS
from gateway.policy.verified import Claims

type FetchedKeys = Mapping[str, Sequence[Key]]
"""What key servers have answered, by URL."""

type Span = tuple[float, float]
"""Unix seconds, the leeway included: good from the first on, and before the second."""

NO_TOKEN: Final = "the token is not a compact JWS"
MAX_TOKEN_BYTES: Final = 8192
MAX_KID_CHARACTERS: Final = 256
"""No key server is asked for a longer one."""
MEMOIZED_BYTES: Final = 512
"""Longer headers are read each time, which bounds the memo to some hundred kilobytes."""
STARTS: Final = ("nbf", "iat")
NUMBERS: Final = frozenset({int, float})
LATEST: Final = 1e15
"""Unix seconds; beyond it a double no longer counts in halves."""

ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STANDARD: Final = bytes.maketrans(b"-_+/", b"+/-_")
"""base64url into base64, and what is in base64 only into what is not."""
PADDING: Final = (b"", b"", b"==", b"=")
TAILS: Final = (ALPHABET.translate(STANDARD), b"", b"AQgw", b"AEIMQUYcgkosw048")
"""By a segment's length modulo 4: how it may end. Else a token could be written in more than one way."""

EMBEDDED_KEYS: Final = frozenset({"jwk", "jku", "x5u", "x5c"})
"""Header parameters that would let the token choose its key (RFC 7515 section 4.1)."""
ENCRYPTION: Final = frozenset({"enc", "zip"})
CRITICAL: Final = frozenset({"crit", "b64"})
"""They change what a token means (RFC 7515 section 4.1.11, RFC 7797); no such change is known here."""


@dataclass(frozen=True, slots=True)
class Header:
    """What of a token's header chooses the key. `algorithm` is the token's word for it, empty if it is no text."""

    algorithm: str
    kid: str | None


def verify(token: str, policy: AuthPolicy, now: float, fetched: FetchedKeys) -> tuple[Claims, Span]:
    """Verify one token and return its claims, and when it is good; raises AuthError and MissingKeyError.

    Its `iss` chooses the issuer, whose keys are the only ones that count. The key decides the algorithm, never the
    token, so one signed with an RSA public key as an HMAC secret, or with `none`, finds no key. Times are compared
    with `now` (Unix seconds) and the policy's leeway.
    """
    raw, (header_part, payload_part, signature_part) = _split(token)
    header = _known_header(header_part) if len(header_part) <= MEMOIZED_BYTES else _header(header_part)
    claims = _object(_decode(payload_part))
    name, subject = claims.get("iss"), claims.get("sub")
    issuer = policy.by_name.get(name, policy.unnamed) if type(name) is str else policy.unnamed
    if issuer is None:
        raise AuthError(AuthReason.ISSUER, "the token is from another issuer")
    if type(subject) is not str or not subject:
        raise AuthError(AuthReason.SUBJECT, "the claim sub is missing or not a text")
    if issuer.audience is not None and claims.get("aud") != issuer.audience:
        _check_audience(claims.get("aud"), issuer.audience)
    span = _span(claims, policy.leeway)
    if not span[0] <= now < span[1]:
        raise untimely(claims, policy, now)
    keys = _fitting(header, issuer, fetched)
    signature = _decode(signature_part)
    signed = raw[: -len(signature_part) - 1]
    for key in keys:
        if CHECKS[key.algorithm](key.material, signed, signature):
            return claims, span
    raise _unsigned(header, keys, issuer)


def untimely(claims: Claims, policy: AuthPolicy, now: float) -> AuthError:
    """Return why a token is not good at this time (RFC 7519 section 4.1.4 to 4.1.6)."""
    if now >= claims["exp"] + policy.leeway:
        return AuthError(AuthReason.EXPIRED, "the token has expired")
    if now < claims.get("nbf", -inf) - policy.leeway:
        return AuthError(AuthReason.NOT_YET_VALID, "the token is not valid yet")
    return AuthError(AuthReason.NOT_YET_VALID, "the token was issued in the future")


def _span(claims: Claims, leeway: float) -> Span:
    """Return from when until when a token is good. PyJWT would take a text or a boolean for a moment."""
    expires: Any = claims.get("exp")
    if type(expires) not in NUMBERS or not -LATEST < expires < LATEST:
        raise AuthError(AuthReason.TIMES, "the claim exp is missing or not a moment")
    starts = -inf
    for name in STARTS:
        if name in claims:
            moment = claims[name]
            if type(moment) not in NUMBERS or not -LATEST < moment < LATEST:
                raise AuthError(AuthReason.TIMES, f"the claim {name} is not a moment")
            starts = moment if moment > starts else starts
    return starts - leeway, expires + leeway


def _check_audience(value: object, wanted: str) -> None:
    listed = value if isinstance(value, list) else [value]
    if wanted not in listed or not all(isinstance(entry, str) for entry in listed):
        raise AuthError(AuthReason.AUDIENCE, "the token is for another audience")


# ---------------------------------------------------------------------- the key


def _fitting(header: Header, issuer: Issuer, fetched: FetchedKeys) -> list[Key]:
    """A token with a kid may only be signed by that key, or by one that was configured without a kid."""
    algorithm, kid = header.algorithm, header.kid
    keys = issuer.keys if issuer.jwks is None else (*issuer.keys, *fetched.get(issuer.jwks.url, ()))
    found = [key for key in keys if key.algorithm == algorithm and (kid is None or key.kid is None or key.kid == kid)]
    if not found:
        raise _keyless(header, keys, issuer, fetched)
    return found


def _keyless(header: Header, keys: Sequence[Key], issuer: Issuer, fetched: FetchedKeys) -> Exception:
    jwks, kid = issuer.jwks, header.kid
    if jwks is not None and header.algorithm in ASYMMETRIC:
        is_unheard = _is_unheard(kid, keys) if kid is not None else jwks.url not in fetched
        if is_unheard:
            return MissingKeyError(jwks.url, kid)
    if any(key.algorithm == header.algorithm for key in keys):
        return unknown_key()
    return AuthError(AuthReason.ALGORITHM, "no key is for the token's algorithm")


def _unsigned(header: Header, tried: Sequence[Key], issuer: Issuer) -> Exception:
    kid = header.kid
    if issuer.jwks is not None and kid is not None and _is_unheard(kid, tried):
        # Only keys without a kid were tried; its own may have been published by now.
        return MissingKeyError(issuer.jwks.url, kid)
    return AuthError(AuthReason.SIGNATURE, "the signature does not fit")


def _is_unheard(kid: str, keys: Sequence[Key]) -> bool:
    return len(kid) <= MAX_KID_CHARACTERS and all(key.kid != kid for key in keys)


# ---------------------------------------------------------------------- the text


def _split(token: str) -> tuple[bytes, list[bytes]]:
    """Return the token's bytes, and its three parts as plain base64."""
    if len(token) > MAX_TOKEN_BYTES:
        raise AuthError(AuthReason.TOO_LONG, "the token is longer than 8 KiB")
    if not token.isascii():
        raise AuthError(AuthReason.MALFORMED, NO_TOKEN)
    raw = token.encode()
    parts = raw.translate(STANDARD).split(b".")
    if len(parts) == 3:
        return raw, parts
    if len(parts) == 5:
        raise AuthError(AuthReason.ENCRYPTED, "encrypted tokens are not accepted")
    raise AuthError(AuthReason.MALFORMED, NO_TOKEN)


def _decode(part: bytes) -> bytes:
    """Read base64url (RFC 4648 section 5) in its only spelling: without padding, and with no bits that mean nothing."""
    size = len(part) & 3
    try:
        if not part or part[-1] in TAILS[size]:
            return a2b_base64(part + PADDING[size], strict_mode=True)
    except NotBase64Error:
        pass
    raise AuthError(AuthReason.MALFORMED, "the token is not base64url")


def _header(segment: bytes) -> Header:
    document = _object(_decode(segment))
    names = document.keys()
    if not EMBEDDED_KEYS.isdisjoint(names):
        raise AuthError(AuthReason.EMBEDDED_KEY, "a token may not bring or name its own key")
    if not ENCRYPTION.isdisjoint(names):
        raise AuthError(AuthReason.ENCRYPTED, "encrypted or compressed tokens are not accepted")
    if not CRITICAL.isdisjoint(names):
        raise AuthError(AuthReason.CRITICAL, "the token's header demands an extension that is not known here")
    algorithm, kid = document.get("alg"), document.get("kid", "")
    if not isinstance(kid, str):
        raise AuthError(AuthReason.MALFORMED, "the token's kid is not a text")
    return Header(algorithm if isinstance(algorithm, str) else "", kid if "kid" in document else None)


_known_header = lru_cache(maxsize=256)(_header)
"""An issuer uses few headers, and each in very many tokens."""


def _object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object that says one thing only (RFC 8725 section 3): text that comes out again as it went in."""
    try:
        value = orjson.loads(raw)
        if orjson.dumps(value) != raw:
            value = _strict(raw)
    except ValueError:
        value = _strict(raw)
    if not isinstance(value, dict):
        raise AuthError(AuthReason.MALFORMED, "the token's JSON is not an object")
    return value


def _strict(raw: bytes) -> Any:
    """Parse JSON that is written in a less usual way: UTF-8 without a byte order mark, duplicate members or NaN."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\u" in raw:
            # Half of a surrogate pair (RFC 8259 section 8.2), only ever escaped, can be in no header, log line or hash.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise AuthError(AuthReason.MALFORMED, "the token's JSON cannot be read") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise AuthError(AuthReason.DUPLICATE, "the token's JSON has a member twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)
