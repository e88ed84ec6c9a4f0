"""What a verified token says about a client of the WebSocket. Pure."""

from gateway.policy.decision import Caller
from gateway.policy.refusal import AuthError, AuthReason, KeysUnavailableError
from gateway.realtime.port import Code

type Verdict = Caller | AuthError | KeysUnavailableError
"""Whose a token is, why it is no good, or that this cannot be found out now."""


def expiry(caller: Caller) -> int | None:
    """Return when a caller's token says that it expires, in milliseconds."""
    found = caller.token.claims.get("exp")
    return round(found * 1000) if isinstance(found, int | float) else None


def user_of(caller: Caller) -> str:
    """Return the token's subject."""
    return caller.token.texts.get("sub", "")


def code_of(verdict: AuthError | KeysUnavailableError) -> Code:
    """Return what a client is told about a token that was not taken."""
    if isinstance(verdict, KeysUnavailableError):
        return Code.UPSTREAM_UNAVAILABLE
    return Code.TOKEN_EXPIRED if verdict.reason is AuthReason.EXPIRED else Code.UNAUTHORIZED
