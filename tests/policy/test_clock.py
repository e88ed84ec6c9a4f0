"""Clocks that jump, or differ: a phase is told from the clock on every request, and nothing outlives its edge."""

from datetime import UTC, datetime

import pytest

from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward, Refuse

from .conftest import token

DAY = 86400.0
EDGES = {
    "announced": datetime(2027, 1, 1, tzinfo=UTC).timestamp(),
    "deprecated": datetime(2027, 1, 31, tzinfo=UTC).timestamp(),
    "brownout": datetime(2027, 2, 10, 9, tzinfo=UTC).timestamp(),
    "brownout's end": datetime(2027, 2, 10, 10, tzinfo=UTC).timestamp(),
    "gone": datetime(2027, 3, 2, tzinfo=UTC).timestamp(),
    "removed": datetime(2027, 4, 1, tzinfo=UTC).timestamp(),
}


def answer(snapshot: Snapshot, now: float, memory: Memory) -> tuple[object, ...]:
    """What the client gets, without what counts down."""
    head = RequestHead.of("GET", "/api/favorites", [("Authorization", f"Bearer {token(now)}")])
    decision = decide(head, snapshot, now, memory)
    assert isinstance(decision, Forward | Refuse)
    headers = decision.headers if isinstance(decision, Refuse) else decision.answer_headers
    code = decision.problem.code if isinstance(decision, Refuse) else 200
    return code, tuple(field for field in headers if field[0] != "Retry-After")


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("jump", [-400 * DAY, -DAY, -3600.0, -1.0, 1.0, 3600.0, DAY, 400 * DAY])
def test_after_a_jump_the_answer_is_that_of_the_clocks_time(snapshot: Snapshot, edge: str, jump: float) -> None:
    memory = Memory.fresh()
    for start in (EDGES[edge] - 0.5, EDGES[edge], EDGES[edge] + 0.5):
        for now in (start, start + jump, start):
            assert answer(snapshot, now, memory) == answer(snapshot, now, Memory.fresh())


@pytest.mark.parametrize("edge", EDGES)
def test_gateways_whose_clocks_differ_by_a_second_agree_outside_of_that_second(snapshot: Snapshot, edge: str) -> None:
    early, late = Memory.fresh(), Memory.fresh()
    before = answer(snapshot, EDGES[edge] - 1, Memory.fresh())
    after = answer(snapshot, EDGES[edge], Memory.fresh())
    assert before != after
    for tenth in range(-30, 31):
        now = EDGES[edge] + tenth / 10
        found = {answer(snapshot, now + 0.5, early), answer(snapshot, now - 0.5, late)}
        # Within the second either phase's answer may come, both of them whole; outside of it there is one.
        expected = {before, after} if -0.5 <= tenth / 10 < 0.5 else {before if tenth < 0 else after}
        assert found == expected, tenth


def test_retry_after_never_leads_back_into_the_same_brownout(snapshot: Snapshot) -> None:
    end = EDGES["brownout's end"]
    for left in (3600.0, 1800.4, 1.0, 0.001):
        head = RequestHead.of("GET", "/api/favorites", [("Authorization", f"Bearer {token(end - left)}")])
        decision = decide(head, snapshot, end - left, Memory.fresh())
        assert isinstance(decision, Refuse)
        wait = int(dict(decision.headers)["Retry-After"])
        assert end <= end - left + wait < end + 1
