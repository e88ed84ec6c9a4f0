"""Limiting without Redis: each process grants its share of every quota, beginning from what it knows was used."""

from collections.abc import Sequence
from math import floor
from typing import Final

from gateway.callers.shared_quota.known import Known
from gateway.policy.quota import EPSILON, Charge, Verdict, strictest

UNSEEN_PART: Final = 0.5
"""How much of a quota is taken for used when nothing better is known: others may have granted it a moment ago.

All shares together can then grant at most half of the quota that was granted already, whatever each of them missed.
"""


class LocalShare:
    """Owns the arrival times of times without Redis. `share` is the part of every quota that this process grants.

    They are kept over several such times, so that Redis' going and coming grants nothing twice. A process always grants
    single requests, however small its share: their rate is the share's all the same.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._spent = Known()
        self._touched: dict[tuple[str, str], float] | None = None
        self.share = 1.0

    def __repr__(self) -> str:
        return f"<LocalShare {self.share:.3f}: {self._spent!r}>"

    @property
    def is_empty(self) -> bool:
        """Whether nothing was granted from here."""
        return self._spent.is_empty

    def count(self, charges: Sequence[Charge], now: float) -> Verdict:
        """Count a request against every charge, or against none when one is used up."""
        arrivals = [self._arrival(charge, now) for charge in charges]
        waits = [self._wait(charge, arrival, now) for charge, arrival in zip(charges, arrivals, strict=True)]
        longest = max(waits)
        if longest > EPSILON:
            position = waits.index(longest)
            return Verdict.refused(charges[position].quota, arrivals[position] - now, longest)
        return strictest([self._spend(charge, at, now) for charge, at in zip(charges, arrivals, strict=True)])

    def all_spent(self, now: float) -> list[tuple[str, str, float]]:
        """Return quota, key and time of everything that is owed, and begin to note what is spent from here on."""
        self._touched = {}
        return list(self._spent.owing(now))

    def touched(self) -> list[tuple[str, str, float]]:
        """Return what was spent since `all_spent`, and note no more."""
        found, self._touched = self._touched, None
        return [(name, key, arrival) for (name, key), arrival in found.items()] if found else []

    def keep(self, names: Sequence[str]) -> None:
        """Forget all quotas but these."""
        self._spent.keep(names)

    def _arrival(self, charge: Charge, now: float) -> float:
        """A share's time lies as far ahead as the whole quota's would: the same part of both is used."""
        quota = charge.quota
        known = min(self._known.arrival(quota, charge.key), now + quota.window)
        spent = self._spent.arrival(quota, charge.key)
        if spent > now:
            return max(known, min(spent, now + max(quota.window, quota.increment / self.share)))
        return max(known, now + min(quota.window * UNSEEN_PART, self._tolerance(charge)))

    def _wait(self, charge: Charge, arrival: float, now: float) -> float:
        return arrival - self._tolerance(charge) - now

    def _tolerance(self, charge: Charge) -> float:
        quota = charge.quota
        return max(quota.window - quota.increment / self.share, 0.0)

    def _spend(self, charge: Charge, arrival: float, now: float) -> Verdict:
        quota = charge.quota
        advanced = arrival + quota.increment / self.share
        self._spent.learn(charge, advanced, now)
        if self._touched is not None:
            self._touched[quota.name, charge.key] = advanced
        ahead = advanced - now
        remaining = floor((quota.window - ahead) * quota.quota * self.share / quota.window + EPSILON)
        told = Verdict.granted(quota, ahead)
        return Verdict(quota, max(0, remaining), told.reset)
