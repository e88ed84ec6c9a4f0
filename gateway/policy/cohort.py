"""The sticky split: which side a caller's legacy calls are served by."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from gateway.config.snapshot import Rollout, Side
from gateway.core.http import RequestHead
from gateway.policy.identity import first, holds


@lru_cache(maxsize=16_384)
def bucket(salt: bytes, key: str) -> int:
    """Return the hash position of a stickiness key, 0 … 99 999.

    The formula is part of the public contract and never changes: a caller keeps its bucket over restarts, machines and
    versions, so raising the percent only ever moves callers towards the successor.
    """
    digest = sha256(b"1|" + salt + b"|" + key.encode()).digest()
    return int.from_bytes(digest[:8]) * 100_000 >> 64


@dataclass(slots=True)
class Assignment:
    """The side of one request, and why in one phrase. Read-only."""

    side: Side
    reason: str


def assign(rollout: Rollout, head: RequestHead, texts: Mapping[str, str], ip: str) -> Assignment:
    """Assign a side: the first pin that holds, else bucket < percent × 1000 is successor, else legacy."""
    for pin in rollout.pins:
        if holds(pin.when, head, texts, ip):
            terms = ", ".join(f"{identity}={expected}" for identity, expected in pin.when.terms)
            return Assignment(pin.to, f"pinned by {terms}")
    found = first(rollout.by, head, texts, ip)
    if found is None:
        return Assignment(Side.LEGACY, "no stickiness key present")
    identity, key = found
    position = bucket(rollout.salt, key)
    if position < rollout.threshold:
        return Assignment(Side.SUCCESSOR, f"{identity.label} has bucket {position}, below {rollout.threshold}")
    return Assignment(Side.LEGACY, f"{identity.label} has bucket {position}, not below {rollout.threshold}")
