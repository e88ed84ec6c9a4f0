"""Who may use the admin listener."""

import hmac
from collections.abc import Iterable

from gateway.config.schema import AdminToken


def identify(authorization: str | None, tokens: Iterable[AdminToken]) -> AdminToken | None:
    """Return the configured token that an `Authorization: Bearer` value holds, or None.

    Every token is compared, each in constant time, so that the answer's timing says nothing about any of them. An empty
    configured token (an unset variable) opens nothing.
    """
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    # A byte that is not UTF-8 arrives as a surrogate.
    presented = given.strip().encode("utf-8", "surrogateescape")
    found: AdminToken | None = None
    for token in tokens:
        if hmac.compare_digest(presented, token.token.encode()) and token.token:
            found = token
    return found
