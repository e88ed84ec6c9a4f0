"""Units of a quota that were taken ahead, so that most requests need not wait for Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Final

from gateway.callers.shared_quota.known import Known
from gateway.config.snapshot import Quota
from gateway.policy.quota import CAPACITY, EPSILON, Charge, Verdict, strictest

LEASED_PART: Final = 0.1
"""Of a quota, over all processes: what may lie in leases, and so how far a window's grants may exceed the quota."""


@dataclass(slots=True)
class Lease:
    """What one key has left here until `ends` (Unix seconds). Redis counted all of it already."""

    units: int = 0
    ends: float = 0.0
    is_asking: bool = False


class Leases:
    """Owns the leases of this process, bounded by `capacity`; the oldest is given up for a new one, unspent.

    Each process holds at most `LEASED_PART` of the quota divided by the processes, and at least one unit. Units older
    than the window are worth nothing.
    """

    def __init__(self, known: Known, capacity: int = CAPACITY) -> None:
        self._known = known
        self._capacity = capacity
        self._held: dict[tuple[str, str], Lease] = {}
        self.share = 1.0

    def __repr__(self) -> str:
        return f"<Leases {len(self._held)}>"

    def size(self, quota: Quota) -> int:
        """Return how many units one process takes ahead."""
        return max(1, floor(quota.quota * LEASED_PART * self.share))

    def spend(self, charges: Sequence[Charge], now: float) -> Verdict | None:
        """Pay a request from leases; None when one of the charges is exact or its lease too small."""
        leases = []
        for charge in charges:
            lease = self._held.get((charge.quota.name, charge.key)) if charge.quota.is_leased else None
            if lease is None or lease.units < charge.quota.cost or lease.ends <= now:
                return None
            leases.append(lease)
        for charge, lease in zip(charges, leases, strict=True):
            lease.units -= charge.quota.cost
        return strictest([self._verdict(charge, lease, now) for charge, lease in zip(charges, leases, strict=True)])

    def is_low(self, charge: Charge) -> bool:
        """Whether it is time to ask for more, and nobody does."""
        lease = self._held.get((charge.quota.name, charge.key))
        return lease is not None and not lease.is_asking and lease.units * 2 < self.size(charge.quota)

    def wanted(self, charge: Charge, now: float) -> int:
        """Return how many units to ask for beside a charge: 0 for an exact one, and while others are asked for."""
        if not charge.quota.is_leased:
            return 0
        lease = self._held.get((charge.quota.name, charge.key)) or self._open(charge)
        if lease.is_asking:
            return 0
        lease.is_asking = True
        return max(0, self.size(charge.quota) - (lease.units if lease.ends > now else 0))

    def add(self, charge: Charge, units: int, asked_at: float) -> None:
        """Take over what Redis gave for what was wanted; 0 when it had nothing left."""
        lease = self._held.get((charge.quota.name, charge.key)) or self._open(charge)
        lease.is_asking = False
        if lease.ends <= asked_at:
            lease.units = 0
        if units:
            lease.units += units
            lease.ends = asked_at + charge.quota.window

    def _open(self, charge: Charge) -> Lease:
        if len(self._held) >= self._capacity:
            del self._held[next(iter(self._held))]
        lease = self._held[charge.quota.name, charge.key] = Lease()
        return lease

    def clear(self) -> None:
        """Give up everything that is held: Redis has counted it as used."""
        self._held.clear()

    def _verdict(self, charge: Charge, lease: Lease, now: float) -> Verdict:
        quota = charge.quota
        ahead = max(self._known.arrival(quota, charge.key) - now, EPSILON)
        told = Verdict.granted(quota, ahead)
        return Verdict(quota, told.remaining + lease.units, told.reset)
