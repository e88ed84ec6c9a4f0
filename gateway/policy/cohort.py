"""The sticky split: which side a caller's legacy calls are served by."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from gateway.config.identity import Identity
from gateway.config.snapshot import Migration, Pin, Rollout, Side
from gateway.core.http import RequestHead
from gateway.policy.identity import first, holds
from gateway.policy.verified import NOBODY, Verified

MAX_KEY = 64
"""Longer keys are hashed each time: clients choose them, and each that is remembered is kept."""


def bucket(salt: bytes, key: str) -> int:
    """Return the hash position of a stickiness key, 0 … 99 999.

    The formula is part of the public contract and never changes: a caller keeps its bucket over restarts, machines and
    versions, so raising the percent only ever moves callers towards the successor.
    """
    return _remembered(salt, key) if len(key) <= MAX_KEY else _position(salt, key)


def _position(salt: bytes, key: str) -> int:
    digest = sha256(b"1|" + salt + b"|" + key.encode()).digest()
    return int.from_bytes(digest[:8]) * 100_000 >> 64


_remembered = lru_cache(maxsize=16_384)(_position)


@dataclass(slots=True, init=False)
class Assignment:
    """The side of one request. `position` is the bucket of `identity`; a pin decides without them.

    Read-only, but for `uses`: where the assignment is remembered, whoever counts callers counts here, by endpoint, and
    keeps the caller's `profile`.
    """

    side: Side
    rollout: Rollout
    identity: Identity | None
    position: int
    pin: Pin | None
    uses: dict[str, int] | None
    profile: str | None

    def __init__(  # written out for when it is compiled, see policy.decision
        self,
        side: Side,
        rollout: Rollout,
        identity: Identity | None = None,
        position: int = 0,
        pin: Pin | None = None,
    ) -> None:
        self.side = side
        self.rollout = rollout
        self.identity = identity
        self.position = position
        self.pin = pin
        self.uses = None
        self.profile = None

    @property
    def reason(self) -> str:
        """Why, in one phrase."""
        if self.pin is not None:
            return f"pinned by {', '.join(f'{identity}={expected}' for identity, expected in self.pin.when.terms)}"
        if self.identity is None:
            return "no stickiness key present"
        relation = "below" if self.side is Side.SUCCESSOR else "not below"
        return f"{self.identity.label} has bucket {self.position}, {relation} {self.rollout.threshold}"


def side(rollout: Rollout, position: int) -> Side:
    """Return the side of a bucket: below percent × 1000 is successor."""
    return Side.SUCCESSOR if position < rollout.threshold else Side.LEGACY


def assign(rollout: Rollout, head: RequestHead, texts: Mapping[str, str], ip: str) -> Assignment:
    """Assign a side: the first pin that holds, else bucket < percent × 1000 is successor, else legacy."""
    for pin in rollout.pins:
        if holds(pin.when, head, texts, ip):
            return Assignment(pin.to, rollout, pin=pin)
    found = first(rollout.by, head, texts, ip)
    if found is None:
        return Assignment(Side.LEGACY, rollout)
    identity, key = found
    position = bucket(rollout.salt, key)
    return Assignment(side(rollout, position), rollout, identity, position)


def assign_token(migration: Migration, head: RequestHead, token: Verified, ip: str) -> Assignment:
    """Assign a side, and remember it with the token where nothing but its claims decides: see there before you ask."""
    rollout = migration.rollout
    assignment = assign(rollout, head, token.texts, ip)
    if rollout.is_by_token and token is not NOBODY and rollout.by[0].name in token.texts:
        assignment.uses = {}
        token.sides[migration.name] = assignment
    return assignment
