"""How much legacy takes over: so much at once, and such a share of the calls."""

from dataclasses import replace

import pytest

from gateway.config.fallback import FallbackRule
from gateway.proxy.budget import Budget, Budgets

RULE = FallbackRule("v1", 100.0, 4, ("", ""))
RESERVE = 10


def test_the_whole_budget_lets_every_call_fall_back_one_after_the_other() -> None:
    budget = Budget(RULE)
    for _ in range(1000):
        fall = budget.take("v2 answered 500")
        assert fall is not None
        fall.end()
    assert budget.under_way == 0


def test_so_many_fall_back_at_once_and_who_has_ended_makes_place() -> None:
    budget = Budget(RULE)
    falls = [budget.take("") for _ in range(5)]
    assert [fall is not None for fall in falls] == [True] * 4 + [False]
    for fall in falls[:1]:
        assert fall is not None
        fall.end()
    assert budget.take("") is not None
    assert budget.take("") is None


@pytest.mark.parametrize("percent", [0.0, 1.0, 25.0, 99.0])
def test_a_smaller_budget_is_a_share_of_the_calls_and_a_reserve(percent: float) -> None:
    budget = Budget(replace(RULE, budget=percent))
    granted = 0
    for _ in range(1000):
        budget.calls += 1
        fall = budget.take("")
        if fall is not None:
            granted += 1
            fall.end()
    reserve = RESERVE if percent else 0
    assert 10 * percent <= granted <= 10 * percent + reserve


def test_a_migration_keeps_its_budget_until_its_rule_changes() -> None:
    budgets = Budgets()
    first = budgets.find("watchlist", RULE)
    assert budgets.find("watchlist", RULE) is first
    assert budgets.find("watchlist", replace(RULE)) is first
    assert budgets.find("news", RULE) is not first
    assert budgets.find("watchlist", replace(RULE, budget=5.0)) is not first
