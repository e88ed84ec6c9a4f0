"""Tokens: HS256 JWTs that both backends issue and accept. Owns the claims' form; knows no users and no passwords."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from backends.domain.clock import Clock
from backends.domain.errors import Fault, FaultKind

ALGORITHM = "HS256"
ISSUER = "tacn"
ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_LIFETIME = timedelta(days=7)
_REQUIRED = ["sub", "role", "plan", "client_id", "iat", "exp", "jti", "typ", "iss"]


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A fresh access token and the refresh token that goes with it; `expires_in` seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"
    expires_in: int = 900


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; `typ` is `access` or `refresh`, `exp` is in Unix seconds."""

    sub: str
    role: str
    plan: str
    client_id: str
    jti: str
    exp: int
    typ: str


class Tokens:
    """Signs and verifies with one secret."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def pair(self, *, sub: str, role: str, plan: str, client_id: str) -> TokenPair:
        """An access token and a refresh token for that identity."""
        identity = {"sub": sub, "role": role, "plan": plan, "client_id": client_id}
        return TokenPair(
            access_token=self._sign(identity, "access", ACCESS_LIFETIME),
            refresh_token=self._sign(identity, "refresh", REFRESH_LIFETIME),
            expires_in=int(ACCESS_LIFETIME.total_seconds()),
        )

    def service(self, name: str) -> str:
        """An access token of a service, which may act for users; it lives as long as a refresh token."""
        identity = {"sub": name, "role": "service", "plan": "internal", "client_id": name}
        return self._sign(identity, "access", REFRESH_LIFETIME)

    def verify(self, token: str) -> Claims:
        """The claims of a genuine, unexpired token; raises `Fault` UNAUTHORIZED for any other."""
        claims = self._decode(token)
        if type(claims["exp"]) is not int or claims["exp"] <= self._clock.now().timestamp():
            raise Fault(FaultKind.UNAUTHORIZED, "the token has expired")
        names = ("sub", "role", "plan", "client_id", "jti", "typ")
        if not all(isinstance(claims[name], str) for name in names):
            raise Fault(FaultKind.UNAUTHORIZED, "the token is not valid")
        return Claims(exp=claims["exp"], **{name: claims[name] for name in names})

    def seconds_left(self, claims: Claims) -> int:
        """How long the token stays valid, at least one second."""
        return max(1, int(claims.exp - self._clock.now().timestamp()) + 1)

    def _sign(self, identity: dict[str, str], typ: str, lifetime: timedelta) -> str:
        now = self._clock.now()
        times = {"iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp())}
        claims = {**identity, **times, "iss": ISSUER, "jti": uuid.uuid4().hex, "typ": typ}
        return jwt.encode(claims, self._secret, ALGORITHM)

    def _decode(self, token: str) -> dict[str, Any]:
        # Times are compared above, with our own clock; PyJWT would also take an `exp` written as text.
        options: Any = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False}
        try:
            return jwt.decode(token, self._secret, [ALGORITHM], issuer=ISSUER, options=options)
        except (jwt.PyJWTError, ValueError):
            raise Fault(FaultKind.UNAUTHORIZED, "the token is not valid") from None
