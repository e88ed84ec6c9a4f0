"""Who a request belongs to: claims (as texts), headers, cookies and the client's address."""

from collections.abc import Mapping
from typing import assert_never

from gateway.config.snapshot import Condition, Identity, IdentityKind
from gateway.core.http import RequestHead, cookie


def client_ip(head: RequestHead, trusted_hops: int) -> str:
    """Return the client's address, believing as many `X-Forwarded-For` entries as there are proxies of ours in front.

    Each proxy appends the address it saw, so the entry that the outermost trusted one wrote is the `trusted_hops`-th
    from the right; anything further left is the client's own claim. A shorter list is not believed at all.
    """
    if trusted_hops == 0:
        return head.peer
    forwarded = head.get("x-forwarded-for")
    entries = [entry.strip() for entry in forwarded.split(",")] if forwarded else []
    return entries[-trusted_hops] if len(entries) >= trusted_hops and entries[-trusted_hops] else head.peer


def read(identity: Identity, head: RequestHead, texts: Mapping[str, str], ip: str) -> str | None:
    """Return the identity's value in this request as text, or None when it is absent or empty."""
    kind = identity.kind
    if kind is IdentityKind.CLAIM:
        return texts.get(identity.name)
    if kind is IdentityKind.HEADER:
        return head.lookup.get(identity.name) or None
    if kind is IdentityKind.COOKIE:
        return cookie(head.lookup.get("cookie"), identity.name) or None
    if kind is IdentityKind.IP:
        return ip or None
    assert_never(kind)


def first(
    identities: tuple[Identity, ...], head: RequestHead, texts: Mapping[str, str], ip: str
) -> tuple[Identity, str] | None:
    """Return the first identity that is present, with its value."""
    for identity in identities:
        is_claim = identity.kind is IdentityKind.CLAIM
        value = texts.get(identity.name) if is_claim else read(identity, head, texts, ip)
        if value is not None:
            return identity, value
    return None


def holds(condition: Condition, head: RequestHead, texts: Mapping[str, str], ip: str) -> bool:
    """Return whether every term of the condition is true for this request."""
    for identity, expected in condition.terms:
        is_claim = identity.kind is IdentityKind.CLAIM
        if (texts.get(identity.name) if is_claim else read(identity, head, texts, ip)) != expected:
            return False
    return True
