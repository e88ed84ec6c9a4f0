"""What of a caller decides about its side and its quotas: enough to decide again later, and no more than that."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from ipaddress import ip_address, ip_network
from typing import Any, Final

import orjson

from gateway.config.identity import Identity, IdentityKind
from gateway.config.snapshot import Endpoint, Snapshot
from gateway.core.http import RequestHead
from gateway.policy.cohort import Assignment
from gateway.policy.decision import Caller
from gateway.policy.identity import first, keepable, read

BUCKET: Final = "bucket"
IPV4_NETWORK: Final = 24
IPV6_NETWORK: Final = 48

type Profiled = Mapping[str, tuple[Identity, ...]]
"""The identities that count, by migration."""


def profiled(snapshot: Snapshot) -> Profiled:
    """Return which identities pin callers, open endpoints or choose quotas of each migration; never the address.

    Those that the split goes by are not among them: of these only one decides about a caller.
    """
    found: dict[str, dict[Identity, None]] = {
        name: dict.fromkeys(identity for pin in migration.rollout.pins for identity, _ in pin.when.terms)
        for name, migration in snapshot.migrations.items()
    }
    for endpoint in snapshot.endpoints:
        found[endpoint.owner].update(dict.fromkeys(_tiered(endpoint)))
    return {
        name: tuple(sorted((one for one in identities if one.kind is not IdentityKind.IP), key=str))
        for name, identities in found.items()
    }


def profile(identities: tuple[Identity, ...], head: RequestHead, caller: Caller, assignment: Assignment) -> str:
    """Return the caller's values of these identities, and of the one that its side goes by, as a JSON object.

    Where the address decided, or a value too long to be kept, `bucket` stands for it: the hash position, which cannot
    be turned back.
    """
    values: dict[str, Any] = {}
    decider = assignment.identity or _first(head, caller, assignment)
    for identity in (*identities, decider) if decider is not None else identities:
        if identity.kind is IdentityKind.IP:
            continue
        value = read(identity, head, caller.token.texts, caller.ip)
        if value is not None and keepable(value) == value:
            values[identity.label] = value
    if assignment.identity is not None and assignment.identity.label not in values:
        values[BUCKET] = assignment.position
    return orjson.dumps(values).decode()


def network(ip: str, secret: bytes) -> str:
    """Return what stands for the network of an address: a keyed hash of its /24 (IPv4) or /48 (IPv6)."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        text = ip
    else:
        length = IPV4_NETWORK if address.version == 4 else IPV6_NETWORK
        text = str(ip_network(f"{address}/{length}", strict=False))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=secret[:64]).hexdigest()
    return f"network:{digest}"


def _first(head: RequestHead, caller: Caller, assignment: Assignment) -> Identity | None:
    """Return what would decide about a caller who is pinned, so that pinned ones can be told apart."""
    found = first(assignment.rollout.by, head, caller.token.texts, caller.ip)
    return found[0] if found is not None else None


def _tiered(endpoint: Endpoint) -> Iterator[Identity]:
    if endpoint.require is not None:
        yield from (identity for identity, _ in endpoint.require.terms)
    for quota in endpoint.quotas:
        for when in (quota.when, *(tier.when for tier in quota.tiers)):
            if when is not None:
                yield from (identity for identity, _ in when.terms)
