"""The rows that go to the ledger: who, what, which side, how often; and no more than fit."""

from collections import Counter
from collections.abc import Iterable

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.compile import compile_snapshot
from gateway.core.http import RequestHead
from gateway.observability.metrics import Metrics
from gateway.observability.use import OTHERS, Use
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward
from gateway.proxy import tally as module
from gateway.proxy.record import Record
from gateway.proxy.tally import FLOOR, TURNS, Tally
from tests.config.sample import parse

AREA = """
version: 1
upstreams: {v1: {endpoints: ["http://127.0.0.1:1"]}, v2: {endpoints: ["http://127.0.0.1:2"]}}
auth: {consumer: ["header:x-client", ip]}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: none
    endpoints:
      - {legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist"}
      - {legacy: "GET /api/favorites/{code}", successor: "GET /api/v2/watchlist/{code}"}
    rollout: {percent: 50, by: ["header:x-client", ip]}
    deprecation: {announced: "2026-01-01", deprecated: +30d, gone: +60d}
routes:
  - {name: rest, match: "/rest/{rest*}", upstream: v1, auth: none}
"""
SNAPSHOT = compile_snapshot(parse(AREA))
SECRET = "a secret for tests that is long enough for HS256"
BEFORE, AFTER = 1_767_225_600.0, 1_800_000_000.0


def _tally(most: int = 100) -> Tally:
    return Tally(SNAPSHOT, most, b"secret")


def _note(
    tally: Tally, client: str | None, path: str = "/api/favorites", *, now: float = BEFORE, failed: bool = False
) -> None:
    head = RequestHead.of("GET", path, [("X-Client", client)] if client is not None else [], "198.51.100.7")
    decision = decide(head, SNAPSHOT, now, Memory.fresh())
    record = Record("r", 1.0, head, decision)
    if isinstance(decision, Forward):
        record.status = 503 if failed else 200
        record.has_failed = failed
    record.count(2.0, Metrics(), tally)


def test_each_caller_is_counted_by_endpoint_and_side() -> None:
    tally = _tally()
    for client in ("alice", "alice", "bob"):
        _note(tally, client)
    _note(tally, "alice", "/api/favorites/600519", failed=True)
    rows = {(use.consumer, use.endpoint, use.side): (use.requests, use.failures) for use in tally.take()}
    sides = {"alice": "legacy", "bob": "legacy"}
    for consumer in sides:
        sides[consumer] = next(side for name, _, side in rows if name == consumer)
    assert rows == {
        ("alice", "GET /api/favorites", sides["alice"]): (2, 0),
        ("bob", "GET /api/favorites", sides["bob"]): (1, 0),
        ("alice", "GET /api/favorites/{code}", sides["alice"]): (1, 1),
    }
    assert tally.take() == ()


def test_the_profile_says_what_decided() -> None:
    tally = _tally()
    _note(tally, "alice")
    (use,) = tally.take()
    assert use.profile == '{"header:x-client":"alice"}'


def test_an_address_leaves_as_a_network() -> None:
    tally = _tally()
    _note(tally, None)
    (use,) = tally.take()
    assert use.consumer.startswith("network:")
    assert "198.51.100" not in repr(use)


def test_what_is_refused_for_the_phase_has_no_side() -> None:
    tally = _tally()
    _note(tally, "alice", now=AFTER)
    (use,) = tally.take()
    assert (use.side, use.consumer, use.requests) == ("", "alice", 1)


def test_plain_routes_are_nobodys_migration() -> None:
    tally = _tally()
    _note(tally, "alice", "/rest/x")
    assert tally.take() == ()


def test_no_count_is_lost_where_there_is_no_room() -> None:
    tally = _tally(most=3)
    for number in range(10):
        _note(tally, f"client-{number}")
        _note(tally, f"client-{number}", failed=True)
    uses = tally.take()
    assert sum(use.requests for use in uses) == 20
    assert sum(use.failures for use in uses) == 10
    named = [use for use in uses if use.consumer != OTHERS]
    assert len(named) == 3
    assert all(use.profile == "" for use in uses if use.consumer == OTHERS)


def test_a_text_that_cannot_be_kept_is_hashed() -> None:
    tally = _tally()
    _note(tally, "x\x7f")
    (use,) = tally.take()
    assert use.consumer.startswith("blake2b=")


SIGNED = compile_snapshot(
    parse(
        AREA.replace("auth: {consumer", f"auth: {{jwt: {{keys: [{{alg: HS256, secret: {SECRET}}}]}}, consumer")
        .replace("auth: none", "auth: required")
        .replace("header:x-client", "claim:sub")
    )
)
FAVORITES, ONE = "GET /api/favorites", "GET /api/favorites/{code}"
PATHS = {FAVORITES: "/api/favorites", ONE: "/api/favorites/600519"}


class Users:
    """Callers with tokens, who are remembered, and one count of all that they have done."""

    def __init__(self, most: int) -> None:
        self.tally = Tally(SIGNED, most, b"secret")
        self.said: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str]] = Counter()
        self._memory = Memory.fresh()

    def call(self, number: int, label: str = FAVORITES, *, failed: bool = False) -> None:
        name = f"user-{number}"
        token = jwt.encode({"sub": name, "exp": BEFORE + 900}, SECRET, "HS256")
        head = RequestHead.of("GET", PATHS[label], [("Authorization", f"Bearer {token}")])
        decision = decide(head, SIGNED, BEFORE, self._memory)
        Record("r", 1.0, head, decision, 200, has_failed=failed).count(2.0, Metrics(), self.tally)
        self.said[name, label] += 1
        self.failed[name, label] += failed

    def take(self) -> list[str]:
        return [use.consumer for use in self.tally.take()]


def test_a_caller_who_is_remembered_by_a_token_is_counted_there() -> None:
    users = Users(most=2)
    for number in range(12):
        users.call(number % 4, failed=number == 11)
    uses = {use.consumer: (use.requests, use.failures, use.profile) for use in users.tally.take()}
    assert uses == {
        "user-0": (3, 0, '{"claim:sub":"user-0"}'),
        "user-1": (3, 0, '{"claim:sub":"user-1"}'),
        "user-2": (3, 0, '{"claim:sub":"user-2"}'),
        "user-3": (3, 1, '{"claim:sub":"user-3"}'),
    }
    assert users.tally.take() == ()


def test_a_row_says_calls_and_failures_of_each_endpoint() -> None:
    users = Users(most=100)
    for label, failed in ((FAVORITES, True), (ONE, False), (FAVORITES, True), (FAVORITES, False), (ONE, False)):
        users.call(1, label, failed=failed)
    rows = {use.endpoint: (use.requests, use.failures) for use in users.tally.take()}
    assert rows == {FAVORITES: (3, 2), ONE: (2, 0)}


def _add_up(uses: Iterable[Use]) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    requests, failures = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for use in uses:
        requests[use.consumer, use.endpoint] += use.requests
        failures[use.consumer, use.endpoint] += use.failures
    return requests, failures


def test_where_few_call_each_report_says_all() -> None:
    users, tally = Users(most=20_000), _tally(most=20_000)
    for number in range(FLOOR):
        users.call(number)
        _note(tally, f"client-{number}")
    for one in (users.tally, tally):
        assert len(one.take()) == FLOOR
        assert one.take() == ()


def test_of_many_a_report_takes_those_who_wait_longest() -> None:
    users, tally = Users(most=20_000), _tally(most=20_000)
    for number in range(3 * FLOOR):
        users.call(number)
        _note(tally, f"client-{number}")
    for name, one in (("user", users.tally), ("client", tally)):
        for first in range(0, 3 * FLOOR, FLOOR):
            found = [use.consumer for use in one.take()]
            assert found == [f"{name}-{number}" for number in range(first, first + FLOOR)]


def test_who_waits_goes_on_to_be_counted_in_one_row() -> None:
    users = Users(most=20_000)
    for number in range(2 * FLOOR):
        users.call(number)
    users.take()
    for number in range(2 * FLOOR):
        users.call(number)
    assert {use.requests for use in users.tally.take()} == {2}
    assert {use.requests for use in users.tally.take()} == {1}


def test_of_very_many_a_report_takes_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLOOR", 1)
    users, tally = Users(most=20_000), _tally(most=20_000)
    for number in range(10 * TURNS):
        users.call(number)
        _note(tally, f"client-{number}")
    assert [len(one.take()) for one in (users.tally, tally)] == [10, 10]
    assert [len(one.take()) for one in (users.tally, tally)] == [9, 9]


def test_what_is_above_half_of_the_most_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLOOR", 1)
    users, tally = Users(most=100), _tally(most=100)
    for number in range(90):
        users.call(number)
        _note(tally, f"client-{number}")
    assert [len(one.take()) for one in (users.tally, tally)] == [40, 40]


def test_who_waits_takes_nobodys_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLOOR", 1)
    users, tally = Users(most=100), _tally(most=100)
    found: dict[str, list[Use]] = {"user": [], "client": []}
    for turn in range(4):
        for number in range(100):
            users.call(100 * turn + number)
            _note(tally, f"client-{100 * turn + number}")
        found["user"] += users.tally.take()
        found["client"] += tally.take()
    found["user"] += users.tally.take(is_last=True)
    found["client"] += tally.take(is_last=True)
    for name, uses in found.items():
        assert {use.consumer for use in uses} == {f"{name}-{number}" for number in range(400)}


def test_the_last_report_takes_everything() -> None:
    users, tally = Users(most=20_000), _tally(most=20_000)
    for number in range(3 * FLOOR):
        users.call(number)
        _note(tally, f"client-{number}")
    for one in (users.tally, tally):
        assert len(one.take(is_last=True)) == 3 * FLOOR
        assert one.take() == ()


STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([FAVORITES, ONE]), st.booleans()) | st.just(None), max_size=60
)


@settings(max_examples=60)
@given(STEPS, st.integers(1, 12), st.integers(1, 4))
def test_nothing_is_lost_and_nothing_counts_twice(
    steps: list[tuple[int, str, bool] | None], most: int, floor: int
) -> None:
    users, uses = Users(most), list[Use]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FLOOR", floor)
        for step in steps:
            if step is None:
                uses += users.tally.take()
            else:
                users.call(step[0], step[1], failed=step[2])
        uses += users.tally.take(is_last=True)
    requests, failures = _add_up(uses)
    if OTHERS not in {use.consumer for use in uses}:
        assert (requests, failures) == (users.said, users.failed)
    for label in PATHS:
        assert _of(requests, label) == _of(users.said, label)
        assert _of(failures, label) == _of(users.failed, label)


def _of(counts: Counter[tuple[str, str]], label: str) -> int:
    return sum(count for (_, found), count in counts.items() if found == label)
