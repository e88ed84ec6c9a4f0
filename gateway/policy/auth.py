"""Bearer tokens: whose a request is, remembered so that each token is verified once (RFC 6750)."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.config.issuer import AuthPolicy, Key
from gateway.policy.jws import untimely, verify
from gateway.policy.refusal import AuthError, AuthReason, KeysUnavailableError, MissingKeyError, unknown_key
from gateway.policy.revocation import RevocationList
from gateway.policy.verified import Claims, Verified

CAPACITY: Final = 10_000
CAPACITY_BYTES: Final = 16 << 20
"""Of tokens as texts. What their claims take as objects comes on top: five times as much is usual."""


class Verifier(Protocol):
    """Turns an `Authorization` value into a verified token; raises AuthError, MissingKeyError, KeysUnavailableError."""

    def verify(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified: ...


class TokenCache:
    """Verifies tokens and remembers the good ones by their raw text until they expire, are revoked or the keys change.

    Who changes `revoked` calls `drop_revoked`, so that a remembered token needs no look at that list; keys that were
    fetched come in through `put_keys`. Holds at most `capacity` tokens of `capacity_bytes` in all, each as the
    `Authorization` value that most clients send; the ones seen first go first. A refused token is never remembered.
    """

    def __init__(
        self,
        capacity: int = CAPACITY,
        revoked: RevocationList | None = None,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self.revoked = revoked if revoked is not None else RevocationList()
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._policy: AuthPolicy | None = None
        self._known: OrderedDict[str, Verified] = OrderedDict()
        self._known_bytes = 0
        self._fetched: dict[str, Sequence[Key]] = {}

    def __repr__(self) -> str:
        return f"<TokenCache {len(self._known)} of {self._capacity} tokens>"

    def verify(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified:
        """Return the verified token; raises AuthError and MissingKeyError."""
        if policy is not self._policy:
            self._policy = policy
            self._forget()
        known = self._known.get(authorization) if authorization is not None else None
        if known is None:
            known = self._look(authorization, policy, now)
        if now < known.ends and now >= known.starts:
            return known
        raise untimely(known.claims, policy, now)

    def put_keys(self, url: str, keys: Sequence[Key] | None) -> None:
        """Hold to what a key server says from now on, None for nothing; what was verified before is forgotten."""
        if keys is None:
            self._fetched.pop(url, None)
        else:
            self._fetched[url] = keys
        self._forget()

    def drop_revoked(self, now: float) -> None:
        """Forget the tokens that have been revoked."""
        gone = [raw for raw, known in self._known.items() if self.revoked.refuses(known.texts, known.claims, now)]
        for raw in gone:
            self._drop(raw, self._known.pop(raw))

    def _look(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified:
        """Return a token that was written in an unusual way, or is not known yet."""
        if authorization is not None and authorization.startswith("Bearer ") and authorization.count(" ") == 1:
            token, usual = authorization[7:], authorization
        else:
            token = bearer(authorization)
            usual = f"Bearer {token}"
            if usual in self._known:
                return self._known[usual]
        claims, span = verify(token, policy, now, self._fetched)
        known = Verified.of(claims, policy, *span)
        if self.revoked.refuses(known.texts, claims, now):
            raise AuthError(AuthReason.REVOKED, "the token has been revoked")
        self._remember(usual, known)
        return known

    def _remember(self, raw: str, known: Verified) -> None:
        self._known[raw] = known
        self._known_bytes += len(raw)
        while self._known_bytes > self._capacity_bytes or len(self._known) > self._capacity:
            self._drop(*self._known.popitem(last=False))

    def _drop(self, raw: str, known: Verified) -> None:
        self._known_bytes -= len(raw)
        known.caller = None  # who points back: left so, only the garbage collector would find them

    def _forget(self) -> None:
        while self._known:
            self._drop(*self._known.popitem())


class Settled:
    """Verifies by the keys that are known now, when the key server has been asked and no more is to be had.

    `is_answered` says whether it has answered: then a key that is not known does not exist.
    """

    def __init__(self, tokens: Verifier, *, is_answered: bool) -> None:
        self._tokens = tokens
        self._is_answered = is_answered

    def verify(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified:
        """Return the verified token; raises AuthError and KeysUnavailableError."""
        try:
            return self._tokens.verify(authorization, policy, now)
        except MissingKeyError:
            raise (unknown_key() if self._is_answered else KeysUnavailableError) from None


@dataclass(frozen=True, slots=True)
class GivenClaims:
    """A verifier for explanations: it takes the caller's claims as given, and knows no tokens."""

    claims: Claims | None

    def verify(self, authorization: str | None, policy: AuthPolicy, now: float) -> Verified:
        """Return the given claims as a token that is always good; raises AuthError when there are none."""
        if self.claims is None:
            raise AuthError(AuthReason.MISSING, "the request has no bearer token")
        return Verified.of(self.claims, policy)


def bearer(authorization: str | None) -> str:
    """Return the token of an `Authorization: Bearer` value; raises AuthError."""
    if authorization is None:
        raise AuthError(AuthReason.MISSING, "the request has no bearer token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise AuthError(AuthReason.MISSING, "the authorization scheme is not Bearer")
    return token.strip(" ")
