"""Why a token is not accepted, each reason by its own name; or why that cannot be told."""

from enum import StrEnum


class AuthReason(StrEnum):
    """Why there is no caller: the label of `crossfade_auth_failures_total`, and the access log's reason."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    MALFORMED = "malformed"
    DUPLICATE = "duplicate"
    ENCRYPTED = "encrypted"
    EMBEDDED_KEY = "embedded_key"
    CRITICAL = "critical"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    TIMES = "times"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    SUBJECT = "subject"
    ISSUER = "issuer"
    AUDIENCE = "audience"
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


def unknown_key() -> AuthError:
    """Return the refusal of a token whose key is none of its issuer's, as far as anybody knows."""
    return AuthError(AuthReason.UNKNOWN_KEY, "no key of the issuer fits the token's kid")


class MissingKeyError(Exception):
    """No key that is known here fits, but the issuer's keys at `url`, fetched anew, may hold one that does."""

    def __init__(self, url: str, kid: str | None) -> None:
        super().__init__(url)
        self.url = url
        self.kid = kid


class KeysUnavailableError(Exception):
    """Nobody can tell whether the token is good: its issuer's keys cannot be fetched."""
