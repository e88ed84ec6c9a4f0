"""Fulfils what a decision needs of shared quotas: asks, then hands over a memory that knows the verdict."""

from collections.abc import Callable, Sequence

from gateway.callers.shared_quota.counter import SharedQuotas
from gateway.policy.decide import Memory
from gateway.policy.decision import NeedCount
from gateway.policy.quota import Charge, Counting, Verdict


class Told:
    """Stands in for the counts of one request whose verdict is there already. It counts nothing twice."""

    __slots__ = ("_quotas", "_verdict")

    def __init__(self, verdict: Verdict, quotas: Counting) -> None:
        self._verdict = verdict
        self._quotas = quotas

    def __repr__(self) -> str:
        return f"<Told {self._verdict}>"

    def grant(self, charges: Sequence[Charge], now: float) -> None:
        """Nothing: there is a verdict."""

    def count(self, charges: Sequence[Charge], now: float) -> Verdict:
        """Return the verdict."""
        return self._verdict

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        """Shadows were not asked about."""
        self._quotas.observe(charges, now)


class _Question:
    """One request that waits for its verdict, unless it leaves before."""

    __slots__ = ("_answered", "_memory", "_need")

    def __init__(self, need: NeedCount, memory: Memory, answered: Callable[[Memory], None]) -> None:
        self._need = need
        self._memory = memory
        self._answered: Callable[[Memory], None] | None = answered

    def tell(self, verdict: Verdict) -> None:
        """Pass the verdict on."""
        answered, self._answered = self._answered, None
        if answered is not None:
            memory = self._memory
            answered(Memory(memory.tokens, Told(verdict, memory.quotas), memory.places, self._need))

    def cancel(self) -> None:
        """Nobody waits any more; the request stays counted."""
        self._answered = None


class QuotaFulfiller:
    """Has the charges of requests counted. Owns nothing."""

    def __init__(self, quotas: SharedQuotas) -> None:
        self._quotas = quotas

    def __repr__(self) -> str:
        return f"<QuotaFulfiller {self._quotas!r}>"

    def ask(self, need: NeedCount, memory: Memory, answered: Callable[[Memory], None]) -> Callable[[], None]:
        """Have a need fulfilled; `answered` is called later and once, unless what is returned is called before."""
        question = _Question(need, memory, answered)
        self._quotas.ask(need.charges, question.tell)
        return question.cancel
