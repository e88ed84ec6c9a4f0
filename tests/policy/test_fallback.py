"""Who answers when the successor has failed: legacy, as if it had been asked at once."""

from datetime import UTC, datetime

import pytest

from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward
from gateway.policy.fallback import rule, to_legacy

from .conftest import Compile, token

DEPRECATED = datetime(2027, 2, 1, tzinfo=UTC).timestamp()
ON = ("salt: tacn", "salt: tacn\n      fallback: true")
ORIGINS = ("server:", "server:\n  cors: {origins: ['https://app.test'], credentials: true}")
QUOTA = ("auth: required\n    endpoints", "auth: required\n    quotas: [burst]\n    endpoints")
NAMELESS = ("server:", "server:\n  version_header: null")


def _forward(snapshot: Snapshot, line: str, plan: str) -> tuple[Forward, RequestHead]:
    method, target = line.split(" ")
    fields = [("Authorization", f"Bearer {token(DEPRECATED, plan=plan)}"), ("Origin", "https://app.test")]
    if plan == "legacy":
        fields.append(("X-Api-Track", "legacy"))
    head = RequestHead.of(method, target, fields)
    decision = decide(head, snapshot, DEPRECATED, Memory.fresh())
    assert isinstance(decision, Forward), decision
    return decision, head


@pytest.mark.parametrize("changes", [(), (ORIGINS,), (QUOTA,), (NAMELESS,), (ORIGINS, QUOTA)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_legacy_is_asked_and_answers_as_if_it_had_been_asked_at_once(
    compiled: Compile, method: str, changes: tuple[tuple[str, str], ...]
) -> None:
    snapshot = compiled(ON, *changes)
    line = f"{method} /api/favorites?page=2&page_size=9"
    first, head = _forward(snapshot, line, "beta")
    at_once, _ = _forward(snapshot, line, "legacy")
    found = rule(first)
    assert found is not None
    second = to_legacy(first, found, head)
    assert (second.upstream, second.side, second.adapter) == ("v1", at_once.side, None)
    assert (second.method, second.path, second.query) == (at_once.method, at_once.path, at_once.query)
    assert second.notices == at_once.notices
    assert (second.identity, second.phase) == (first.identity, first.phase)
    assert second.assignment is first.assignment


@pytest.mark.parametrize("line", ["POST /api/favorites", "PATCH /api/favorites/1", "DELETE /api/favorites/1"])
def test_a_request_that_may_change_something_has_no_rule(compiled: Compile, line: str) -> None:
    forward, _ = _forward(compiled(ON), line, "beta")
    assert rule(forward) is None


def test_there_is_no_rule_without_the_key_nor_for_legacy_nor_for_routes(compiled: Compile) -> None:
    assert rule(_forward(compiled(), "GET /api/favorites", "beta")[0]) is None
    assert rule(_forward(compiled(ON), "GET /api/favorites", "legacy")[0]) is None
    assert rule(_forward(compiled(ON), "GET /api/v2/watchlist", "beta")[0]) is None


@pytest.mark.parametrize(
    ("written", "budget", "concurrency"),
    [
        ("true", 100, 128),
        ("{}", 100, 128),
        ("{budget: 20}", 20, 128),
        ("{concurrency: 7}", 100, 7),
        ("{enabled: true, budget: 0.5}", 0.5, 128),
    ],
)
def test_the_key_may_be_a_truth_or_bounds(compiled: Compile, written: str, budget: float, concurrency: int) -> None:
    found = compiled(("salt: tacn", f"salt: tacn\n      fallback: {written}")).endpoints[0].fallback
    assert found is not None
    assert (found.legacy, found.budget, found.concurrency) == ("v1", budget, concurrency)


@pytest.mark.parametrize("written", ["false", "{enabled: false}", "{enabled: false, budget: 5}"])
def test_the_key_can_say_no(compiled: Compile, written: str) -> None:
    endpoints = compiled(("salt: tacn", f"salt: tacn\n      fallback: {written}")).endpoints
    assert all(endpoint.fallback is None and endpoint.is_plain for endpoint in endpoints)
