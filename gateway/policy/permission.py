"""What a caller must have besides a good token: claims, headers, scopes."""

from collections.abc import Mapping

from gateway.config.identity import Identity, IdentityKind
from gateway.config.snapshot import Requirement
from gateway.core.http import RequestHead
from gateway.policy.verified import Claims, Verified


def missing(requirement: Requirement, head: RequestHead, token: Verified) -> str | None:
    """Return what the caller lacks, worded for the caller, or None; needed values are not told: one may be a secret."""
    for identity, allowed in requirement.terms:
        if allowed.isdisjoint(_values(identity, head, token)):
            return f"the {identity.kind} {identity.name} with a value that is allowed here"
    if requirement.scopes:
        granted = scopes(token.claims)
        if not any(needed <= granted for needed in requirement.scopes):
            wanted = " or ".join(" ".join(sorted(needed)) for needed in requirement.scopes)
            return f"the scope {wanted}"
    return None


def scopes(claims: Claims) -> frozenset[str]:
    """Return what a token grants: `scope` by spaces (RFC 8693 section 4.2), and `scp`, a list or a text like it."""
    granted: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            granted.update(value.split(" "))
        elif isinstance(value, list):
            granted.update(entry for entry in value if isinstance(entry, str))
    return frozenset(granted)


def _values(identity: Identity, head: RequestHead, token: Verified) -> list[str]:
    """Return the values that the caller has: a claim may be a list, such as `roles: [editor, admin]`."""
    if identity.kind is IdentityKind.HEADER:
        return _present(head.lookup, identity.name)
    listed = token.claims.get(identity.name)
    if isinstance(listed, list):
        return [entry for entry in listed if isinstance(entry, str)]
    return _present(token.texts, identity.name)


def _present(texts: Mapping[str, str], name: str) -> list[str]:
    text = texts.get(name)
    return [text] if text is not None else []
