"""When a request may be sent again."""

import pytest

from gateway.upstream.fault import UpstreamError, UpstreamFault
from gateway.upstream.retry import RetryBudget, is_repeatable


@pytest.mark.parametrize(
    ("method", "fault", "has_body", "expected"),
    [
        ("GET", UpstreamFault.LOST, False, True),
        ("HEAD", UpstreamFault.LOST, False, True),
        ("DELETE", UpstreamFault.LOST, False, True),
        ("PUT", UpstreamFault.LOST, True, False),
        ("POST", UpstreamFault.LOST, False, False),
        ("PATCH", UpstreamFault.LOST, False, False),
        ("POST", UpstreamFault.UNREACHABLE, True, True),
        ("GET", UpstreamFault.TIMEOUT, False, False),
        ("GET", UpstreamFault.INVALID, False, False),
        ("GET", UpstreamFault.OVERLOADED, False, False),
    ],
)
def test_only_what_cannot_do_its_work_twice_is_sent_again(
    method: str, fault: UpstreamFault, has_body: bool, expected: bool
) -> None:
    assert is_repeatable(method, UpstreamError(fault, ""), has_body=has_body) is expected


def test_the_budget_bounds_retries_to_a_share_of_the_requests() -> None:
    budget = RetryBudget(20)
    while budget.take():
        pass
    taken = 0
    for _ in range(1000):
        budget.note_request()
        taken += budget.take()
    assert 195 <= taken <= 200
