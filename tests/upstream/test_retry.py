"""How many retries an upstream may be burdened with."""

from gateway.upstream.retry import RESERVE, RetryBudget


def _drained(percent: float) -> RetryBudget:
    budget = RetryBudget(percent)
    while budget.take(0):
        pass
    return budget


def test_the_budget_bounds_retries_to_a_share_of_the_requests() -> None:
    budget = _drained(20)
    taken = sum(budget.take(requests) for requests in range(1, 1001))
    assert 195 <= taken <= 200


def test_a_quiet_time_saves_up_no_more_than_the_reserve() -> None:
    budget = _drained(20)
    assert sum(budget.take(1_000_000) for _ in range(100)) == RESERVE


def test_a_budget_of_nothing_allows_nothing() -> None:
    assert not RetryBudget(0).take(1_000_000)
