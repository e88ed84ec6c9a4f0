"""The rows that go to the ledger: who, what, which side, how often; and no more than fit."""

import jwt

from gateway.config.compile import compile_snapshot
from gateway.core.http import RequestHead
from gateway.observability.metrics import Metrics
from gateway.observability.use import OTHERS
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward
from gateway.proxy.record import Record
from gateway.proxy.tally import Tally
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


def test_a_caller_who_is_remembered_by_a_token_is_counted_there() -> None:
    signed = AREA.replace("auth: {consumer", f"auth: {{jwt: {{keys: [{{alg: HS256, secret: {SECRET}}}]}}, consumer")
    snapshot = compile_snapshot(
        parse(signed.replace("auth: none", "auth: required").replace("header:x-client", "claim:sub"))
    )
    tally, memory = Tally(snapshot, 2, b"secret"), Memory.fresh()
    for number in range(12):
        token = jwt.encode({"sub": f"user-{number % 4}", "exp": BEFORE + 900}, SECRET, "HS256")
        head = RequestHead.of("GET", "/api/favorites", [("Authorization", f"Bearer {token}")])
        decision = decide(head, snapshot, BEFORE, memory)
        Record("r", 1.0, head, decision, 200, has_failed=number == 11).count(2.0, Metrics(), tally)
    uses = {use.consumer: (use.requests, use.failures, use.profile) for use in tally.take()}
    assert uses == {
        "user-0": (3, 0, '{"claim:sub":"user-0"}'),
        "user-1": (3, 0, '{"claim:sub":"user-1"}'),
        "user-2": (3, 0, '{"claim:sub":"user-2"}'),
        "user-3": (3, 1, '{"claim:sub":"user-3"}'),
    }
    assert tally.take() == ()
