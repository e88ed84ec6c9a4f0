"""Quotas by GCRA, the generic cell rate algorithm (ITU-T I.371, also known as the leaky bucket as a meter).

One number is kept per key: the theoretical arrival time at which the whole quota would be free again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.config.snapshot import Quota
from gateway.core.block import Block

EPSILON = 1e-6
"""Seconds (and requests) that rounding may cost."""


@dataclass(slots=True)
class Charge:
    """One quota with the key that this request counts against. Read-only."""

    quota: Quota
    key: str


@dataclass(slots=True)
class Verdict:
    """What the strictest quota says: requests left, seconds until it is whole again, seconds to wait if refused.

    Read-only.
    """

    quota: Quota
    remaining: int
    reset: int
    retry_after: int = 0

    @property
    def is_allowed(self) -> bool:
        """Whether the request may pass."""
        return self.retry_after == 0


class QuotaTable:
    """Owns the in-process state of every quota, bounded to `capacity` keys. It reads no clock.

    When it is full, keys whose quota is whole again go first, then the ones that were seen first.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._arrivals: dict[tuple[str, str], float] = {}
        self._origin: float | None = None

    def __len__(self) -> int:
        return len(self._arrivals)

    def __repr__(self) -> str:
        return f"<QuotaTable {len(self._arrivals)} of {self._capacity} keys>"

    def count(self, charges: Sequence[Charge], now: float) -> Verdict:
        """Count one request against every charge, or against none when one is used up; `charges` is not empty."""
        if self._origin is None:
            self._origin = now
        # Seconds since the first request: a double of today's Unix time only resolves 0.24 µs, which adds up.
        now -= self._origin
        refusal = self._refuse(charges, now)
        if refusal is not None:
            return refusal
        strictest = self._spend(charges[0], now)
        for charge in charges[1:]:
            verdict = self._spend(charge, now)
            if verdict.remaining < strictest.remaining:
                strictest = verdict
        return strictest

    def _refuse(self, charges: Sequence[Charge], now: float) -> Verdict | None:
        """Return the refusal by the quota that takes longest to allow one more (GCRA, a burst of the whole quota)."""
        longest, refusal = EPSILON, None
        for charge in charges:
            arrival = self._arrival(charge, now)
            wait = arrival - charge.quota.tolerance - now
            if wait > longest:
                longest = wait
                refusal = Verdict(charge.quota, 0, _whole_seconds(arrival - now), _whole_seconds(wait))
        return refusal

    def _spend(self, charge: Charge, now: float) -> Verdict:
        quota = charge.quota
        arrival = self._arrival(charge, now) + quota.increment
        self._store((quota.name, charge.key), arrival, now)
        ahead = arrival - now
        remaining = math.floor((quota.window - ahead) * quota.quota / quota.window + EPSILON)
        return Verdict(quota, max(0, remaining), _whole_seconds(ahead))

    def _arrival(self, charge: Charge, now: float) -> float:
        """Never more than a window ahead, so that a shortened window or a clock set back locks nobody out."""
        key = (charge.quota.name, charge.key)
        arrival = max(self._arrivals.get(key, now), now)
        latest = now + charge.quota.window
        if arrival > latest + EPSILON:
            arrival = self._arrivals[key] = latest
        return arrival

    def _store(self, key: tuple[str, str], arrival: float, now: float) -> None:
        if len(self._arrivals) >= self._capacity and key not in self._arrivals:
            self._make_room(now)
        self._arrivals[key] = arrival

    def _make_room(self, now: float) -> None:
        self._arrivals = {key: arrival for key, arrival in self._arrivals.items() if arrival > now}
        surplus = len(self._arrivals) - self._capacity * 9 // 10
        for key in list(self._arrivals)[: max(surplus, 0)]:
            del self._arrivals[key]


def block(charges: Sequence[Charge], verdict: Verdict) -> Block:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-11, and `Retry-After` on a refusal."""
    policy = ", ".join([charge.quota.policy for charge in charges])
    limit = f'"{verdict.quota.name}";r={verdict.remaining};t={verdict.reset}'
    written = f"RateLimit-Policy: {policy}\r\nRateLimit: {limit}\r\n"
    return written if verdict.is_allowed else f"{written}Retry-After: {verdict.retry_after}\r\n"


def _whole_seconds(seconds: float) -> int:
    """Round up, so that nobody is told to come back too early; never 0."""
    return max(1, math.ceil(seconds - EPSILON))
