"""Quotas by GCRA, the generic cell rate algorithm (ITU-T I.371, also known as the leaky bucket as a meter).

One number is kept per key: the theoretical arrival time at which the whole quota would be free again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final, Protocol

from gateway.config.snapshot import Quota
from gateway.core.block import Block
from gateway.policy.arrivals import Arrivals

EPSILON: Final = 1e-6
"""Seconds (and requests) that rounding may cost."""

CAPACITY: Final = 100_000
"""Keys of one quota that are remembered: 512 bytes each at the most, about half of that usually."""


@dataclass(slots=True, init=False)
class Charge:
    """One quota with the key that this request counts against. Read-only."""

    quota: Quota
    key: str

    def __init__(self, quota: Quota, key: str) -> None:  # written out for when it is compiled, see policy.decision
        self.quota = quota
        self.key = key


@dataclass(slots=True, init=False)
class Verdict:
    """What the strictest quota says: units left, seconds until it is whole again, seconds to wait if refused.

    Read-only.
    """

    quota: Quota
    remaining: int
    reset: int
    retry_after: int = 0

    def __init__(self, quota: Quota, remaining: int, reset: int, retry_after: int = 0) -> None:
        self.quota = quota
        self.remaining = remaining
        self.reset = reset
        self.retry_after = retry_after

    @property
    def is_allowed(self) -> bool:
        """Whether the request may pass."""
        return self.retry_after == 0

    @classmethod
    def granted(cls, quota: Quota, ahead: float) -> "Verdict":
        """Word what is left once a request was counted; `ahead` is how many seconds the arrival time lies ahead."""
        remaining = floor((quota.window - ahead) * quota.rate + EPSILON)
        return cls(quota, remaining if remaining > 0 else 0, ceil(ahead - EPSILON) or 1)

    @classmethod
    def refused(cls, quota: Quota, ahead: float, wait: float) -> "Verdict":
        """Word a refusal: `wait` seconds from now the request would be let through."""
        return cls(quota, 0, whole_seconds(ahead), whole_seconds(wait))


class Counting(Protocol):
    """Where requests are counted."""

    def grant(self, charges: Sequence[Charge], now: float) -> Block | None:
        """Count a request and return what its answer says. None: nothing is counted yet, `count` must tell."""

    def count(self, charges: Sequence[Charge], now: float) -> Verdict | None:
        """Count a request against every charge, or against none when one is used up. None: somebody must be asked."""

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        """Count a request against quotas that refuse nobody."""


class QuotaTable:
    """Owns the in-process state of every quota, each bounded to `capacity` keys of its own. It reads no clock.

    Keys of one quota never push out another's, so that whoever invents addresses or headers leaves quotas by token
    alone. Times are seconds since the first request (`_origin`): a double of today's Unix time only resolves 0.24 µs,
    which adds up. `_times` are those of a table, by the variants of its quota that `grant` has met. `shadowed` counts
    what the shadows would have refused, by the quota's name.
    """

    def __init__(self, capacity: int = CAPACITY, shadowed: Counter[tuple[str, ...]] | None = None) -> None:
        self._capacity = capacity
        self._shadowed = shadowed if shadowed is not None else Counter()
        self._tables: dict[str, Arrivals] = {}
        self._times: dict[Quota, dict[str, float]] = {}
        self._origin = 0.0
        self._has_begun = False

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def __repr__(self) -> str:
        return f"<QuotaTable {len(self)} keys of {len(self._tables)} quotas>"

    def keep(self, names: Iterable[str]) -> None:
        """Forget all quotas but these."""
        self._tables = {name: self._tables[name] for name in names if name in self._tables}
        self._times.clear()

    def grant(self, charges: Sequence[Charge], now: float) -> Block | None:
        """Count one request where one quota counts it, in one piece, as most are: the same as `count`, worded."""
        if len(charges) > 1:
            return None
        charge = charges[0]
        quota, key = charge.quota, charge.key
        times = self._times.get(quota)
        if times is None:
            if quota.has_legacy_headers:
                return None
            self._begin(now)
            times = self._times[quota] = self._table(quota).times
        now -= self._origin
        arrival = times.get(key)
        if arrival is None:
            self._tables[quota.name].put(key, now, now)
            arrival = now
        elif arrival <= now:
            arrival = now
        elif arrival - quota.tolerance - now > EPSILON:
            return None
        times[key] = advanced = arrival + quota.increment
        # As Verdict.granted and ratelimit.block have it.
        ahead = advanced - now
        remaining = floor((quota.window - ahead) * quota.rate + EPSILON)
        return f"{quota.opening}{remaining if remaining > 0 else 0};t={ceil(ahead - EPSILON) or 1}\r\n"

    def count(self, charges: Sequence[Charge], now: float) -> Verdict:
        """Count one request against every charge, or against none when one is used up; `charges` is not empty."""
        self._begin(now)
        now -= self._origin
        arrivals = [self._arrival(charge, now) for charge in charges]
        waits = [arrival - charge.quota.tolerance - now for charge, arrival in zip(charges, arrivals, strict=True)]
        longest = max(waits)
        if longest > EPSILON:
            position = waits.index(longest)
            return Verdict.refused(charges[position].quota, arrivals[position] - now, longest)
        verdicts = [self._spend(charge, arrival, now) for charge, arrival in zip(charges, arrivals, strict=True)]
        return strictest(verdicts)

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        """Count one request against each charge by itself, and note those that would have refused it."""
        for charge in charges:
            if self.grant([charge], now) is None and not self.count([charge], now).is_allowed:
                self._shadowed[(charge.quota.name,)] += 1

    def _begin(self, now: float) -> None:
        if not self._has_begun:
            self._has_begun, self._origin = True, now

    def _table(self, quota: Quota) -> Arrivals:
        found = self._tables.get(quota.name)
        if found is None:
            found = self._tables[quota.name] = Arrivals(self._capacity)
        return found

    def _arrival(self, charge: Charge, now: float) -> float:
        """Never more than a window ahead, so that a shortened window or a clock set back locks nobody out."""
        quota = charge.quota
        times = self._table(quota).times
        arrival = times.get(charge.key)
        if arrival is None or arrival <= now:
            return now
        latest = now + quota.window
        if arrival > latest + EPSILON:
            arrival = times[charge.key] = latest
        return arrival

    def _spend(self, charge: Charge, arrival: float, now: float) -> Verdict:
        quota = charge.quota
        advanced = arrival + quota.increment
        self._tables[quota.name].put(charge.key, advanced, now)
        return Verdict.granted(quota, advanced - now)


def strictest(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the one that leaves least; several quotas on one request speak through it."""
    return min(verdicts, key=lambda verdict: verdict.remaining)


def whole_seconds(seconds: float) -> int:
    """Round up, so that nobody is told to come back too early; never 0."""
    found = ceil(seconds - EPSILON)
    return found if found > 0 else 1
