"""Who a request belongs to: claims (as texts), headers, cookies and the client's address."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from typing import Final, assert_never

from gateway.config.identity import Condition, Identity, IdentityKind
from gateway.core.http import RequestHead, cookie

LONGEST_NODE: Final = 64
"""Characters of an address with brackets and port, with room to spare."""

KEY_LENGTH: Final = 64
"""Characters of a key; longer ones are remembered by their hash, so that nobody fills our memory with a long name."""


def client_ip(head: RequestHead, trusted_hops: int) -> str:
    """Return the client's address, believing as many `X-Forwarded-For` entries as there are proxies of ours in front.

    Each proxy appends the address it saw, so the entry that the outermost trusted one wrote is the `trusted_hops`-th
    from the right; anything further left is the client's own claim. `Forwarded` (RFC 7239) is read the same way. The
    peer's address stands in for a list that is too short, an entry that is no address, and where the two fields
    disagree: a client may have written the one that our proxies leave alone.
    """
    if trusted_hops == 0:
        return head.peer
    appended, standard = head.lookup.get("x-forwarded-for"), head.lookup.get("forwarded")
    if standard is None:
        return (_entry(appended, trusted_hops) if appended is not None else None) or head.peer
    found = _forwarded_for(standard, trusted_hops)
    if appended is not None and _entry(appended, trusted_hops) != found:
        return head.peer
    return found or head.peer


def _entry(text: str, hops: int) -> str | None:
    """Return the address in the `hops`-th entry from the right."""
    entries = text.rsplit(",", hops)
    return _address(entries[-hops].strip()) if len(entries) >= hops else None


def _forwarded_for(text: str, hops: int) -> str | None:
    """Return the address of `for` in the `hops`-th element from the right (RFC 7239 section 4).

    Cutting at commas is safe from this end: our proxies write none inside of quotes, and what the client wrote, however
    it is quoted, lies left of theirs.
    """
    elements = text.rsplit(",", hops)
    if len(elements) < hops:
        return None
    pairs = [pair.strip().partition("=") for pair in elements[-hops].split(";")]
    nodes = [value for name, _, value in pairs if name.lower() == "for"]
    if len(nodes) != 1:
        return None
    node = nodes[0]
    is_quoted = len(node) >= 2 and node[0] == node[-1] == '"'
    return _address(node[1:-1] if is_quoted else node)


def _address(node: str) -> str | None:
    """Return an IP address in its usual spelling, without brackets and port; None for anything else."""
    return _parsed(node) if len(node) <= LONGEST_NODE else None


@lru_cache(maxsize=16_384)
def _parsed(node: str) -> str | None:
    host, port = node, ""
    if node.startswith("["):
        host, _, port = node[1:].partition("]")
        if not host or (port and not port.startswith(":")) or ":" not in host:
            return None
    elif node.count(":") == 1:
        host, _, port = node.partition(":")
    try:
        found = ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped if mapped is not None else found)


def bounded(key: str) -> str:
    """Return a key as it is, or its hash when it is long."""
    if len(key) <= KEY_LENGTH:
        return key
    # A claim may hold half a surrogate pair, which is no text that could be encoded strictly.
    return f"blake2b={blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=20).hexdigest()}"


def keepable(text: str) -> str:
    """Return a caller's text as it can be kept and shown: as it is, or its hash when it is long or not printable."""
    return bounded(text if text.isprintable() else text.ljust(KEY_LENGTH + 1))


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
