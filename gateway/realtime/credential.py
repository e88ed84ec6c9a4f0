"""Who we are to the upstreams: a configured token, or one that we sign with the secret that users' tokens have."""

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final

import jwt

from gateway.config.schema import Auth, Realtime
from gateway.core.clock import Clock

SERVICE: Final = "crossfade"
SERVICE_SECONDS: Final = 7 * 86_400
"""A service's socket lives as long as its token at most: a week, as long as a refresh token."""
USER_SECONDS: Final = 900
SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})


@dataclass(frozen=True)
class Credentials:
    """Makes tokens. `given` is the service's configured one; the secret signs where there is none.

    Read once from the configuration; tokens are made anew for each connection.
    """

    clock: Clock
    given: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    algorithm: str = "HS256"
    kid: str | None = None
    issuer: str | None = None

    @classmethod
    def of(cls, realtime: Realtime, auth: Auth, clock: Clock) -> "Credentials":
        """Take what the configuration has."""
        keys = auth.jwt.keys if auth.jwt is not None else ()
        key = next((key for key in keys if key.alg in SYMMETRIC and key.secret), None)
        if key is None:
            return cls(clock, realtime.service_token)
        issuer = auth.jwt.issuer if auth.jwt is not None else None
        return cls(clock, realtime.service_token, key.secret, key.alg, key.kid, issuer)

    @property
    def can_sign(self) -> bool:
        """Whether tokens of users can be made."""
        return self.secret is not None

    def service(self) -> str:
        """Return the token that names us as a service; empty when there is nothing to make it from."""
        if self.given is not None:
            return self.given
        identity = {"sub": SERVICE, "role": "service", "plan": "internal", "client_id": SERVICE}
        return self._sign(identity, SERVICE_SECONDS)

    def reader(self, subject: str | None) -> str:
        """Return a token for reading a legacy stream in a user's name, or in our own."""
        if subject is None:
            return self.service()
        identity = {"sub": subject, "role": "user", "plan": "internal", "client_id": SERVICE}
        return self._sign(identity, USER_SECONDS)

    def _sign(self, identity: dict[str, Any], seconds: int) -> str:
        if self.secret is None:
            return ""
        now = int(self.clock.now())
        claims = {**identity, "iat": now, "exp": now + seconds, "jti": token_hex(8), "typ": "access"}
        if self.issuer is not None:
            claims["iss"] = self.issuer
        headers = {"kid": self.kid} if self.kid is not None else None
        return jwt.encode(claims, self.secret, self.algorithm, headers=headers)
