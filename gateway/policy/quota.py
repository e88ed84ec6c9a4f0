"""Quotas by GCRA, the generic cell rate algorithm (ITU-T I.371, also known as the leaky bucket as a meter).

One number is kept per key: the theoretical arrival time at which the whole quota would be free again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.config.snapshot import Quota
from gateway.core.http import Fields

EPSILON = 1e-6
"""Seconds (and requests) that rounding may cost."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One quota with the key that this request counts against."""

    quota: Quota
    key: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the strictest quota says: requests left, seconds until it is whole again, seconds to wait if refused."""

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
        arrivals = [self._arrival(charge, now) for charge in charges]
        waits = [_wait(charge.quota, arrival, now) for charge, arrival in zip(charges, arrivals, strict=True)]
        longest = max(waits)
        if longest > EPSILON:
            position = waits.index(longest)
            reset = _whole_seconds(arrivals[position] - now)
            return Verdict(charges[position].quota, 0, reset, _whole_seconds(longest))
        verdicts = []
        for charge, arrival in zip(charges, arrivals, strict=True):
            advanced = arrival + charge.quota.window / charge.quota.quota
            self._store((charge.quota.name, charge.key), advanced, now)
            verdicts.append(
                Verdict(charge.quota, _remaining(charge.quota, advanced, now), _whole_seconds(advanced - now))
            )
        return min(verdicts, key=lambda verdict: verdict.remaining)

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


def headers(charges: Sequence[Charge], verdict: Verdict) -> Fields:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-11, and `Retry-After` on a refusal."""
    policy = ", ".join(f'"{charge.quota.name}";q={charge.quota.quota};w={_window(charge.quota)}' for charge in charges)
    limit = f'"{verdict.quota.name}";r={verdict.remaining};t={verdict.reset}'
    fields: Fields = (("RateLimit-Policy", policy), ("RateLimit", limit))
    return fields if verdict.is_allowed else (*fields, ("Retry-After", str(verdict.retry_after)))


def _wait(quota: Quota, arrival: float, now: float) -> float:
    """Seconds until one more request fits: GCRA with a burst of the whole quota."""
    tolerance = quota.window - quota.window / quota.quota
    return arrival - tolerance - now


def _remaining(quota: Quota, arrival: float, now: float) -> int:
    return max(0, math.floor((quota.window - (arrival - now)) * quota.quota / quota.window + EPSILON))


def _whole_seconds(seconds: float) -> int:
    """Round up, so that nobody is told to come back too early; never 0."""
    return max(1, math.ceil(seconds - EPSILON))


def _window(quota: Quota) -> int:
    return max(1, math.ceil(quota.window))
