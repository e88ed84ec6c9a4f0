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
        if len(charges) == 1:
            charge = charges[0]
            arrival = self._arrival(charge, now)
            wait = _wait(charge.quota, arrival, now)
            return self._spend(charge, arrival, now) if wait <= EPSILON else _refuse(charge.quota, arrival, wait, now)
        arrivals = [self._arrival(charge, now) for charge in charges]
        waits = [_wait(charge.quota, arrival, now) for charge, arrival in zip(charges, arrivals, strict=True)]
        longest = max(waits)
        if longest > EPSILON:
            position = waits.index(longest)
            return _refuse(charges[position].quota, arrivals[position], longest, now)
        verdicts = [self._spend(charge, arrival, now) for charge, arrival in zip(charges, arrivals, strict=True)]
        return min(verdicts, key=lambda verdict: verdict.remaining)

    def _arrival(self, charge: Charge, now: float) -> float:
        """Never more than a window ahead, so that a shortened window or a clock set back locks nobody out."""
        quota = charge.quota
        key = (quota.name, charge.key)
        arrival = self._arrivals.get(key)
        if arrival is None or arrival <= now:
            return now
        latest = now + quota.window
        if arrival > latest + EPSILON:
            arrival = self._arrivals[key] = latest
        return arrival

    def _spend(self, charge: Charge, arrival: float, now: float) -> Verdict:
        quota = charge.quota
        key = (quota.name, charge.key)
        if len(self._arrivals) >= self._capacity and key not in self._arrivals:
            self._make_room(now)
        self._arrivals[key] = advanced = arrival + quota.increment
        ahead = advanced - now
        remaining = math.floor((quota.window - ahead) * quota.quota / quota.window + EPSILON)
        return Verdict(quota, max(0, remaining), _whole_seconds(ahead))

    def _make_room(self, now: float) -> None:
        self._arrivals = {key: arrival for key, arrival in self._arrivals.items() if arrival > now}
        surplus = len(self._arrivals) - self._capacity * 9 // 10
        for key in list(self._arrivals)[: max(surplus, 0)]:
            del self._arrivals[key]


def block(charges: Sequence[Charge], verdict: Verdict) -> Block:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-11, and `Retry-After` on a refusal."""
    policy = charges[0].quota.policy if len(charges) == 1 else ", ".join([charge.quota.policy for charge in charges])
    limit = f'"{verdict.quota.name}";r={verdict.remaining};t={verdict.reset}'
    written = f"RateLimit-Policy: {policy}\r\nRateLimit: {limit}\r\n"
    return written if verdict.is_allowed else f"{written}Retry-After: {verdict.retry_after}\r\n"


def _wait(quota: Quota, arrival: float, now: float) -> float:
    """Seconds until one more request fits: GCRA with a burst of the whole quota."""
    return arrival - quota.tolerance - now


def _refuse(quota: Quota, arrival: float, wait: float, now: float) -> Verdict:
    return Verdict(quota, 0, _whole_seconds(arrival - now), _whole_seconds(wait))


def _whole_seconds(seconds: float) -> int:
    """Round up, so that nobody is told to come back too early; never 0."""
    return max(1, math.ceil(seconds - EPSILON))
