"""What this process knows of Redis' counts: the arrival times that its last answers told."""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.config.snapshot import Quota
from gateway.policy.arrivals import Arrivals
from gateway.policy.quota import CAPACITY, EPSILON, Charge, Verdict

UNKNOWN: Final = 0.0


class Known:
    """Owns arrival times by quota and key, in Unix seconds of this machine, each quota bounded by itself.

    A time is what Redis answered counted from when it was asked, so never later than the true one. True times only ever
    rise, which is why a refusal that follows from a known one needs no asking.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._tables: dict[str, Arrivals] = {}

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def __repr__(self) -> str:
        return f"<Known {len(self)} keys of {len(self._tables)} quotas>"

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of anybody."""
        return not self._tables

    def arrival(self, quota: Quota, key: str) -> float:
        """Return the time that is known of a key."""
        table = self._tables.get(quota.name)
        return table.times.get(key, UNKNOWN) if table is not None else UNKNOWN

    def learn(self, charge: Charge, arrival: float, now: float) -> None:
        """Remember the time that a key has now."""
        table = self._tables.get(charge.quota.name)
        if table is None:
            table = self._tables[charge.quota.name] = Arrivals(self._capacity)
        if charge.key in table.times:
            table.times[charge.key] = arrival
        else:
            table.put(charge.key, arrival, now)

    def refusal(self, charges: Sequence[Charge], now: float, uncertainty: float) -> Verdict | None:
        """Return the refusal that follows from what is known; None when Redis must be asked.

        A true time may lie later than the known one by `uncertainty` seconds, so that much is added to what is told.
        """
        for charge in charges:
            table = self._tables.get(charge.quota.name)
            if table is not None:
                arrival = table.times.get(charge.key)
                if arrival is not None and arrival - charge.quota.tolerance - now > EPSILON:
                    return self._longest(charges, now, uncertainty)
        return None

    def _longest(self, charges: Sequence[Charge], now: float, uncertainty: float) -> Verdict | None:
        refused, longest = None, EPSILON
        for charge in charges:
            quota = charge.quota
            arrival = self.arrival(quota, charge.key)
            wait = arrival - quota.tolerance - now
            # More than a window ahead is a clock that was set back: only Redis knows better.
            if wait > longest and arrival <= now + quota.window + uncertainty:
                refused, longest = charge, wait
        if refused is None:
            return None
        ahead = longest + refused.quota.tolerance
        return Verdict.refused(refused.quota, ahead + uncertainty, longest + uncertainty)

    def keep(self, names: Sequence[str]) -> None:
        """Forget all quotas but these."""
        self._tables = {name: self._tables[name] for name in names if name in self._tables}

    def owing(self, now: float) -> Iterator[tuple[str, str, float]]:
        """Yield quota, key and time of everything that lies ahead."""
        for name, table in self._tables.items():
            for key, arrival in table.times.items():
                if arrival > now:
                    yield name, key, arrival
