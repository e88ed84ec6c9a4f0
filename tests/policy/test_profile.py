"""What of a caller is kept, and what stands for the rest."""

import json

from gateway.config.compile import compile_snapshot
from gateway.config.snapshot import Snapshot
from gateway.core.http import RequestHead
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Forward
from gateway.policy.profile import network, profile, profiled
from tests.config.sample import parse

AREA = """
version: 1
upstreams: {v1: {endpoints: ["http://127.0.0.1:1"]}, v2: {endpoints: ["http://127.0.0.1:2"]}}
quotas: {free: {quota: 5, window: 1s, by: ip, when: {header: {X-Plan: free}}}}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: none
    quotas: [free]
    endpoints: [{legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist"}]
    rollout:
      percent: 50
      by: ["cookie:cid", ip]
      pins: [{to: legacy, header: {X-Api-Track: legacy}}]
"""


def _snapshot() -> Snapshot:
    return compile_snapshot(parse(AREA))


def _profile(*fields: tuple[str, str], peer: str = "192.0.2.7") -> dict[str, object]:
    snapshot = _snapshot()
    head = RequestHead.of("GET", "/api/favorites", fields, peer)
    decision = decide(head, snapshot, 0.0, Memory.fresh())
    assert isinstance(decision, Forward)
    assert decision.assignment is not None
    found = json.loads(profile(profiled(snapshot)["watchlist"], head, decision.caller, decision.assignment))
    assert isinstance(found, dict)
    return found


def test_what_decides_is_kept() -> None:
    found = _profile(("Cookie", "cid=c1; other=x"), ("X-Plan", "free"), ("X-Api-Track", "new"), ("X-More", "m"))
    assert found == {"cookie:cid": "c1", "header:x-plan": "free", "header:x-api-track": "new"}


def test_a_bucket_stands_for_an_address() -> None:
    found = _profile()
    assert list(found) == ["bucket"]
    assert _profile(peer="192.0.2.8") != found


def test_a_bucket_stands_for_what_is_too_long_to_keep() -> None:
    assert list(_profile(("Cookie", f"cid={'c' * 65}"))) == ["bucket"]


def test_a_network_is_told_from_another_only_with_the_key() -> None:
    assert network("192.0.2.7", b"k") == network("192.0.2.99", b"k")
    assert network("192.0.2.7", b"k") != network("192.0.3.7", b"k")
    assert network("192.0.2.7", b"k") != network("192.0.2.7", b"other")
    assert network("2001:db8::1", b"k") == network("2001:db8:0:ffff::1", b"k") != network("2001:db9::1", b"k")
    assert network("unix", b"k").startswith("network:")
