"""How much of one migration's traffic legacy may take over from a successor that fails."""

from dataclasses import dataclass
from typing import Final

from gateway.config.fallback import FallbackRule
from gateway.upstream.retry import RetryBudget

ALL: Final = 100.0


class Budget:
    """Owns the count of one migration's fallbacks in this process: so many at once, and such a share of the calls.

    `calls` are the requests that could fall back, `under_way` those that have and are not answered yet.
    """

    __slots__ = ("_share", "calls", "rule", "under_way")

    def __init__(self, rule: FallbackRule) -> None:
        self.rule = rule
        self.calls = 0
        self.under_way = 0
        self._share = RetryBudget(rule.budget)

    def __repr__(self) -> str:
        return f"<Budget of {self.calls} calls: {self.under_way} fallbacks under way>"

    def take(self, complaint: str) -> "Fall | None":
        """Take one fallback, if there is one left."""
        if self.under_way >= self.rule.concurrency:
            return None
        # A call falls back once at most: all of them is a share that needs no counting.
        if self.rule.budget < ALL and not self._share.take(self.calls):
            return None
        self.under_way += 1
        return Fall(self, complaint)


@dataclass(slots=True)
class Fall:
    """One fallback under way. `complaint` is why: what the successor did."""

    budget: Budget
    complaint: str

    def end(self) -> None:
        """It is over; called once."""
        self.budget.under_way -= 1


class Budgets:
    """Owns the budgets of all migrations. A rule that has changed begins with a new one."""

    def __init__(self) -> None:
        self._known: dict[str, Budget] = {}

    def __repr__(self) -> str:
        return f"<Budgets {self._known}>"

    def find(self, migration: str, rule: FallbackRule) -> Budget:
        """Return the budget of a migration, by its rule of now."""
        known = self._known.get(migration)
        if known is None or (known.rule is not rule and known.rule != rule):
            known = self._known[migration] = Budget(rule)
        return known
