"""Which quotas count a request, and under which key each of them does."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network

from gateway.config.identity import Identity, IdentityKind
from gateway.config.snapshot import Quota
from gateway.core.http import RequestHead
from gateway.policy.decision import Caller
from gateway.policy.identity import bounded, first, holds
from gateway.policy.quota import Charge
from gateway.policy.verified import NOBODY


def charge(rules: tuple[Quota, ...], head: RequestHead, caller: Caller) -> Sequence[Charge]:
    """Return a charge for each of the rules that holds for this caller.

    They are remembered with its token where nothing but the claims decides: see there before you ask.
    """
    charges = [
        Charge(
            _tier(rule, head, caller) if rule.tiers else rule,
            caller.key if rule.is_by_consumer else _key(rule, head, caller),
        )
        for rule in rules
        if rule.when is None or holds(rule.when, head, caller.token.texts, caller.ip)
    ]
    token = caller.token
    if token is NOBODY:
        return charges
    for rule in rules:
        is_told = token.consumer is not None if rule.is_by_consumer else rule.by[0].name in token.texts
        if not rule.is_by_claims or not is_told:
            return charges
    token.charges[rules] = charges
    return charges


def consumer(
    identities: tuple[Identity, ...], head: RequestHead, texts: Mapping[str, str], ip: str
) -> tuple[str | None, str]:
    """Return who calls, if anybody is known, and the key that quotas by consumer count."""
    found = first(identities, head, texts, ip)
    return (found[1] if found is not None else None), _counted(found, ip)


def _tier(rule: Quota, head: RequestHead, caller: Caller) -> Quota:
    for tier in rule.tiers:
        if tier.when is not None and holds(tier.when, head, caller.token.texts, caller.ip):
            return tier
    return rule


def _key(rule: Quota, head: RequestHead, caller: Caller) -> str:
    nearest = rule.by[0]
    if nearest.kind is IdentityKind.CLAIM:
        # The same as below, in one step: most quotas count by a claim, and most callers have it.
        value = caller.token.texts.get(nearest.name)
        if value is not None:
            return bounded(f"{nearest.label}={value}")
    return _counted(first(rule.by, head, caller.token.texts, caller.ip), caller.ip)


def _counted(found: tuple[Identity, str] | None, ip: str) -> str:
    # Whoever has none of the configured identities counts by address: leaving one out must not lift the limit.
    if found is None or found[0].kind is IdentityKind.IP:
        return f"ip={ip if ':' not in ip else _network(ip)}"
    return bounded(f"{found[0].label}={found[1]}")


@lru_cache(maxsize=16_384)
def _network(ip: str) -> str:
    """Return the /64 of an IPv6 address, which is the least that one customer is given; a mapped one counts as IPv4."""
    try:
        address = IPv6Address(ip.partition("%")[0])
    except ValueError:
        return bounded(ip)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped is not None else str(IPv6Network((int(address) >> 64 << 64, 64)))
