"""A preview says who moves, and that is who then moves."""

from collections.abc import Iterator, Sequence
from functools import cache

import jwt
import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.live import Live, LiveMigration
from gateway.config.snapshot import Snapshot
from gateway.control.preview import SHOWN, preview
from gateway.control.usage import Usage
from gateway.core.http import RequestHead
from gateway.observability.metrics import Metrics
from gateway.observability.use import OTHERS
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward
from gateway.proxy.record import Record
from gateway.proxy.tally import Tally
from tests.config.sample import parse

SECRET = "a secret for tests that is long enough for HS256"
NOW = 1_800_000_000.0
AREA = f"""
version: 1
upstreams: {{v1: {{endpoints: ["http://127.0.0.1:1"]}}, v2: {{endpoints: ["http://127.0.0.1:2"]}}}}
auth:
  jwt: {{keys: [{{alg: HS256, secret: {SECRET}}}]}}
  consumer: [claim:client_id, claim:sub, ip]
quotas:
  burst: {{quota: 1, window: 1d, by: consumer}}
  free: {{quota: 1, window: 1d, by: consumer, when: {{claim: {{plan: free}}}}}}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: optional
    quotas: [burst, free]
    endpoints:
      - {{legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist"}}
      - {{legacy: "DELETE /api/favorites/{{code}}", successor: "DELETE /api/v2/watchlist/{{code}}",
          auth: required, require: {{claim: {{role: [admin, user]}}}}}}
    rollout:
      percent: 10
      by: [claim:sub, "cookie:cid", ip]
      salt: tacn
      pins:
        - {{to: successor, claim: {{plan: beta}}}}
        - {{to: legacy, header: {{X-Api-Track: legacy}}}}
"""


TOKENS = TokenCache()


@cache
def _requests(count: int) -> Sequence[tuple[str, RequestHead]]:
    """Return callers of every kind, each with a name of ours."""
    return list(_heads(count))


def _heads(count: int) -> Iterator[tuple[str, RequestHead]]:
    for number in range(count):
        path, method = ("/api/favorites", "GET") if number % 3 else ("/api/favorites/600519", "DELETE")
        fields: list[tuple[str, str]] = []
        if number % 3 == 0 or number % 5:
            plan = ("free", "pro", "beta")[number % 7 % 3]
            claims = {"sub": f"user-{number}", "plan": plan, "role": "user", "exp": NOW + 900}
            if number % 11 == 0:
                claims["client_id"] = f"partner-{number % 4}"
            fields.append(("Authorization", f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"))
        elif number % 2:
            fields.append(("Cookie", f"cid=session-{number}"))
        if number % 13 == 0:
            fields.append(("X-Api-Track", "legacy"))
        yield f"{number}", RequestHead.of(method, path, fields, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")


def _at(snapshot: Snapshot, percent: float) -> Snapshot:
    return snapshot.turned(Live(1, {"watchlist": LiveMigration(percent=percent)}))


def _served(snapshot: Snapshot, head: RequestHead) -> str:
    decision = decide(head, snapshot, NOW, Memory.fresh(TOKENS))
    assert isinstance(decision, Forward)
    assert decision.side is not None
    return decision.side.value


def _ledger(snapshot: Snapshot, count: int) -> list[Usage]:
    """Return what a day of these callers leaves behind, counted as the data plane counts."""
    tally = Tally(snapshot, 1_000_000, b"secret")
    for _, head in _requests(count):
        record = Record("r", 1.0, head, decide(head, snapshot, NOW, Memory.fresh(TOKENS)), 200)
        record.count(2.0, Metrics(), tally)
    return [
        Usage(1, use.migration, use.endpoint, use.side, use.consumer, use.profile, use.requests, 0, NOW, NOW)
        for use in tally.take(is_last=True)
    ]


@pytest.mark.parametrize(("start", "wanted"), [(10.0, 25.0), (0.0, 0.5), (25.0, 100.0), (50.0, 5.0)])
def test_a_preview_equals_what_then_happens_for_5000_callers(start: float, wanted: float) -> None:
    snapshot = _at(compile_snapshot(parse(AREA)), start)
    changed = _at(snapshot, wanted)
    found = preview(snapshot, "watchlist", wanted, _ledger(snapshot, 5_000), NOW)
    sides = {name: (_served(snapshot, head), _served(changed, head)) for name, head in _requests(5_000)}
    gained = sum(pair == ("legacy", "successor") for pair in sides.values())
    lost = sum(pair == ("successor", "legacy") for pair in sides.values())
    assert sum(one.requests_moving for one in found.moving) == gained
    assert sum(one.requests_moving for one in found.moved_back) == lost
    assert found.requests == 5_000
    assert found.requests_moving == gained + lost
    assert (gained > 0, lost > 0) == (wanted > start, wanted < start)


def test_the_same_users_move_that_the_preview_names() -> None:
    snapshot = compile_snapshot(parse(AREA))
    changed = _at(snapshot, 25.0)
    found = preview(snapshot, "watchlist", 25.0, _ledger(snapshot, 2_000), NOW)
    named = {one.consumer for one in found.moving if one.consumer.startswith("user-")}
    moved = set()
    for name, head in _requests(2_000):
        is_user = "authorization" in head.lookup and int(name) % 11
        if is_user and _served(snapshot, head) != _served(changed, head):
            moved.add(f"user-{name}")
    assert moved
    assert named == moved


def test_nobody_moves_back_when_the_percent_rises() -> None:
    snapshot = compile_snapshot(parse(AREA))
    document = preview(snapshot, "watchlist", 60.0, _ledger(snapshot, 1_000), NOW).document()
    assert document["nobody_moves_back"]
    assert document["consumers"]["moved_back"] == 0


def test_a_partner_moves_with_a_part_of_its_users() -> None:
    snapshot = compile_snapshot(parse(AREA))
    found = preview(snapshot, "watchlist", 50.0, _ledger(snapshot, 5_000), NOW)
    partner = next(one for one in found.moving if one.consumer.startswith("partner-"))
    assert 0 < partner.keys_moving < partner.keys
    assert 0 < partner.requests_moving < partner.requests


def test_the_mix_of_plans_of_those_who_move_is_told() -> None:
    snapshot = compile_snapshot(parse(AREA))
    found = preview(snapshot, "watchlist", 100.0, _ledger(snapshot, 1_000), NOW)
    assert set(found.tiers["claim:plan"]) == {"free", "pro"}, "who is pinned does not move"
    assert "claim:sub" not in found.tiers


def test_callers_who_were_counted_without_a_name_are_told_apart() -> None:
    snapshot = compile_snapshot(parse(AREA))
    row = Usage(1, "watchlist", "GET /api/favorites", "legacy", OTHERS, "", 7, 0, NOW, NOW)
    found = preview(snapshot, "watchlist", 100.0, [row], NOW)
    assert (found.unnamed, found.requests, found.share) == (7, 0, 0.0)


def test_a_user_with_many_sessions_is_one_key() -> None:
    snapshot = compile_snapshot(parse(AREA))
    tally = Tally(snapshot, 1_000, b"secret")
    token = jwt.encode({"sub": "alice", "plan": "pro", "exp": NOW + 900}, SECRET, "HS256")
    for session in range(5):
        fields = [("Authorization", f"Bearer {token}"), ("Cookie", f"cid=session-{session}")]
        head = RequestHead.of("GET", "/api/favorites", fields)
        decision = decide(head, snapshot, NOW, Memory.fresh(TOKENS))
        Record("r", 1.0, head, decision, 200).count(2.0, Metrics(), tally)
    rows = [
        Usage(1, use.migration, use.endpoint, use.side, use.consumer, use.profile, use.requests, 0, NOW, NOW)
        for use in tally.take(is_last=True)
    ]
    found = preview(snapshot, "watchlist", 100.0, rows, NOW)
    assert (found.keys, found.requests) == (1, 5)


def test_what_a_phase_refuses_does_not_move() -> None:
    gone = AREA + '    deprecation: {announced: "2026-01-01", deprecated: +30d, gone: +60d}\n'
    snapshot = compile_snapshot(parse(gone))
    profile = '{"claim:sub":"alice"}'
    row = Usage(1, "watchlist", "GET /api/favorites", "legacy", "alice", profile, 7, 0, NOW, NOW)
    assert preview(snapshot, "watchlist", 100.0, [row], NOW).moving == []


def test_the_document_names_no_more_than_it_says() -> None:
    snapshot = compile_snapshot(parse(AREA))
    document = preview(snapshot, "watchlist", 100.0, _ledger(snapshot, 2_000), NOW).document()
    assert len(document["moving"]) == SHOWN
    assert document["and_others"] == document["consumers"]["moving"] - SHOWN > 0
