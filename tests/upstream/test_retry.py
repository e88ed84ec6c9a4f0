"""How many retries an upstream may be burdened with."""

from gateway.upstream.retry import RetryBudget


def test_the_budget_bounds_retries_to_a_share_of_the_requests() -> None:
    budget = RetryBudget(20)
    while budget.take():
        pass
    taken = 0
    for _ in range(1000):
        budget.note_request()
        taken += budget.take()
    assert 195 <= taken <= 200
