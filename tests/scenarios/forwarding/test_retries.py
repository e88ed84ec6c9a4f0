"""Retries are a share of the requests, so that an upstream in trouble is not asked twice as much."""

from pathlib import Path

import pytest

from tests.conformance.corpus.strict import Request
from tests.support.child import gateway_process
from tests.support.client import ask
from tests.support.echo import Echo, Refusal
from tests.support.gateway import plain

RESERVE = 10
"""Retries that are possible however quiet it was before."""
STALE = 60
EJECTION = "\n    ejection: {consecutive_errors: 1000000, for: 1s}"


def _turncoat(echo: Echo) -> None:
    """Make every connection good for one answer: its second request is read and then left alone."""
    served: set[int] = set()

    def plan(_request: Request) -> float | Refusal:
        if echo.opened in served:
            return Refusal()
        served.add(echo.opened)
        return 0.0

    echo.plan = plan


@pytest.mark.parametrize(("budget", "share"), [(0, None), (10, 0.1), (50, 0.5)])
async def test_no_more_is_retried_than_the_budget_allows(tmp_path: Path, budget: int, share: float | None) -> None:
    async with Echo() as v1:
        upstream = f"    retries: {{attempts: 1, budget: {budget}}}{EJECTION}"
        async with gateway_process(tmp_path, plain(v1.origin, upstream=upstream)) as child:
            _turncoat(v1)
            statuses = [(await ask(child.public, f"/api/{number}")).status for number in range(STALE)]
        retried = sum(count - 1 for count in v1.arrived.values())
        assert set(v1.arrived.values()) <= {1, 2}
        assert set(statuses) == {200, 502}
        if share is None:
            assert retried == 0
        else:
            assert 0 < retried <= RESERVE + share * STALE
