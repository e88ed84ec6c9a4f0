"""The Snapshot: defaults merged, names resolved, everything in the order and form in which it is used."""

import math
from pathlib import Path
from typing import Any

import pytest

from gateway.config.compile import compile_snapshot
from gateway.config.deprecation import Brownout, Deprecation
from gateway.config.identity import Identity, IdentityKind
from gateway.config.load import load
from gateway.config.router import specificity
from gateway.config.snapshot import AuthMode, Node, Side, Snapshot
from gateway.config.template import PathTemplate
from tests.config.sample import CONTRACT, ENVIRON, MINIMAL, NOW, SECRET, load_text, replaced

SUB = Identity(IdentityKind.CLAIM, "sub")
IP = Identity(IdentityKind.IP)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    loaded = load_text(tmp_path, CONTRACT)
    return compile_snapshot(loaded.config, revision=3, digest=loaded.digest)


def _deprecation(snapshot: Snapshot) -> Deprecation:
    found = snapshot.migrations["watchlist"].deprecation
    assert found is not None
    return found


def _compiled(tmp_path: Path, text: str) -> Snapshot:
    return compile_snapshot(load_text(tmp_path, text).config)


def test_the_snapshot_of_the_example_has_its_parts_and_shows_no_secret(snapshot: Snapshot) -> None:
    assert repr(snapshot) == f"<Snapshot 3 {snapshot.digest}: 3 endpoints, 6 routes>"
    assert [endpoint.label for endpoint in snapshot.endpoints] == [
        "GET /api/favorites",
        "POST /api/favorites",
        "DELETE /api/favorites/{stock_code}",
    ]
    assert [route.label for route in snapshot.routes] == [
        "GET /api/stream/quotes/{symbol}",
        "GET /api/stream/analysis/{task}",
        "GET /api/stream/notifications",
        "POST /api/v2/auth/login",
        "* /api/v2/{rest*}",
        "* /api/screening/{rest*}",
    ]
    assert [route.auth for route in snapshot.routes[3:]] == [AuthMode.NONE, AuthMode.REQUIRED, AuthMode.REQUIRED]
    assert SECRET not in repr(snapshot.auth)
    assert snapshot.auth.issuers[0].keys[0].material == SECRET.encode()


def test_an_endpoint_takes_its_migrations_policy_and_may_override_it(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "adapt: watchlist_items}", "adapt: watchlist_items, auth: optional, quotas: []}")
    listing, adding, _ = _compiled(tmp_path, text).endpoints
    assert (listing.auth, listing.quotas) == (AuthMode.OPTIONAL, ())
    assert adding.auth is AuthMode.REQUIRED
    assert [quota.name for quota in adding.quotas] == ["burst", "free"]
    assert (adding.successor_method, str(adding.successor_template)) == ("POST", "/api/v2/watchlist")
    assert adding.owner == "watchlist"


def test_a_quota_by_consumer_counts_by_the_configured_identities(snapshot: Snapshot) -> None:
    free = snapshot.endpoints[0].quotas[1]
    assert free.by == snapshot.consumer == (Identity(IdentityKind.CLAIM, "client_id"), SUB, IP)
    assert (free.quota, free.window) == (10_000, 86_400.0)
    assert free.when is not None
    assert free.when.terms == ((Identity(IdentityKind.CLAIM, "plan"), "free"),)


def test_a_quota_may_be_by_one_identity(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "window: 1s, by: consumer", "window: 1s, by: header:X-Key")
    assert _compiled(tmp_path, text).endpoints[0].quotas[0].by == (Identity(IdentityKind.HEADER, "x-key"),)


def test_the_rollout_is_held_in_thousandths_with_its_pins_in_order(snapshot: Snapshot) -> None:
    rollout = snapshot.migrations["watchlist"].rollout
    assert (rollout.threshold, rollout.salt) == (10_000, b"tacn")
    assert rollout.by == (SUB, Identity(IdentityKind.COOKIE, "cid"), IP)
    assert [(pin.to, pin.when.terms[0]) for pin in rollout.pins] == [
        (Side.SUCCESSOR, (Identity(IdentityKind.CLAIM, "plan"), "beta")),
        (Side.LEGACY, (Identity(IdentityKind.HEADER, "x-api-track"), "legacy")),
    ]


@pytest.mark.parametrize(("percent", "threshold"), [("0", 0), ("0.001", 1), ("99.999", 99_999), ("100", 100_000)])
def test_a_percent_has_exactly_three_decimals(tmp_path: Path, percent: str, threshold: int) -> None:
    text = replaced(CONTRACT, "percent: 10 ", f"percent: {percent} ")
    assert _compiled(tmp_path, text).migrations["watchlist"].rollout.threshold == threshold


@pytest.mark.parametrize(("value", "expected"), [("3", "3"), ("1.10", "1.10"), ("true", "true"), ('"yes"', "yes")])
def test_a_conditions_value_is_the_text_that_the_file_has(tmp_path: Path, value: str, expected: str) -> None:
    text = replaced(CONTRACT, "claim: {plan: beta}", f"claim: {{plan: {value}}}")
    pin = _compiled(tmp_path, text).migrations["watchlist"].rollout.pins[0]
    assert pin.when.terms[0][1] == expected


def test_the_calendar_is_in_unix_seconds_with_its_headers_ready(snapshot: Snapshot) -> None:
    deprecation = _deprecation(snapshot)
    assert deprecation.announced == 1_796_083_200  # 2026-12-01T00:00:00Z
    assert deprecation.deprecated == deprecation.announced + 30 * 86_400
    assert deprecation.removed == deprecation.announced + 90 * 86_400
    assert deprecation.deprecation_header == "@1798675200"
    assert deprecation.sunset_header == "Sat, 30 Jan 2027 00:00:00 GMT"
    assert deprecation.brownouts[0] == Brownout(1_799_744_400, 1_799_748_000)
    assert deprecation.extensions == {"acme": 1_802_563_200}
    assert deprecation.rehearsal


@pytest.mark.parametrize("window", ["brownouts", "extensions"])
def test_windows_may_count_from_the_announcement(tmp_path: Path, snapshot: Snapshot, window: str) -> None:
    text = replaced(CONTRACT, "at: 2027-01-12T09:00Z", "at: +1017h")
    text = replaced(text, "until: 2027-02-14", "until: +75d")
    assert getattr(_deprecation(_compiled(tmp_path, text)), window) == getattr(_deprecation(snapshot), window)


def test_brownouts_are_in_the_order_of_time(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "at: 2027-01-19T09:00Z", "at: 2027-01-05T09:00Z")
    first, second = _deprecation(_compiled(tmp_path, text)).brownouts
    assert first.end <= second.start


def test_a_date_that_is_left_out_is_infinitely_far_away(tmp_path: Path) -> None:
    text = MINIMAL.read_text("utf-8") + "\n"
    text = replaced(text, "rollout: {percent: 10}", "deprecation: {deprecated: 2027-01-01}")
    deprecation = compile_snapshot(load_text(tmp_path, text).config).migrations["config"].deprecation
    assert deprecation is not None
    assert (deprecation.announced, deprecation.gone, deprecation.removed) == (math.inf, math.inf, math.inf)
    assert (deprecation.deprecation_header, deprecation.sunset_header) == ("@1798761600", "")


def test_the_minimal_file_gets_the_defaults() -> None:
    snapshot = compile_snapshot(load(MINIMAL, ENVIRON, NOW).config)
    migration = snapshot.migrations["config"]
    assert (migration.title, migration.deprecation) == ("Config", None)
    assert migration.rollout.by == (SUB, Identity(IdentityKind.COOKIE, "cid"), IP)
    assert snapshot.auth.forward == {"sub": "X-User-Id", "role": "X-User-Role"}
    assert snapshot.auth.dropped >= {"x-user-id", "x-user-role"}
    assert snapshot.server.version_header == "X-Served-By"


def test_without_tokens_a_clients_own_identity_headers_are_dropped_all_the_same(tmp_path: Path) -> None:
    text = replaced(MINIMAL.read_text("utf-8"), '  jwt: {keys: [{alg: HS256, secret: "${JWT_SECRET}"}]}', "  jwt: null")
    text = replaced(replaced(text, "legacy: v1\n", "legacy: v1\n    auth: none\n"), "auth: optional", "auth: none")
    auth = _compiled(tmp_path, text).auth
    assert [issuer.keys for issuer in auth.issuers] == [()]
    assert auth.dropped >= {"x-user-id", "x-user-role"}


def test_adapters_are_compiled_with_statuses_and_queries(tmp_path: Path) -> None:
    done = replaced(
        CONTRACT,
        "  watchlist_done:\n    response: {",
        "  watchlist_done:\n    request: {query: '{pageSize: page_size}', body: {python: 'json:dumps'}}\n"
        "    response: {status: {201: 200}, ",
    )
    adapter = _compiled(tmp_path, done).endpoints[2].adapter
    assert adapter is not None
    assert adapter.request is not None
    assert adapter.response is not None
    assert adapter.request.query is not None
    assert adapter.request.query({"page_size": "5"}) == {"pageSize": "5"}
    assert (adapter.request.source, adapter.request.query_source) == ("python json:dumps", "{pageSize: page_size}")
    assert adapter.response.status == {201: 200}


def test_the_examples_adapters_translate_both_ways(snapshot: Snapshot) -> None:
    listing, adding, _ = (endpoint.adapter for endpoint in snapshot.endpoints)
    assert listing is not None
    assert adding is not None
    assert _apply(listing.response, {"success": True, "data": [{"symbol": "600519", "name": "M"}]}) == {
        "success": True,
        "message": "ok",
        "data": [{"stock_code": "600519", "stock_name": "M"}],
    }
    assert _apply(listing.error, {"error": {"message": "no"}}) == {"detail": "no"}
    assert _apply(adding.request, {"stock_code": "1", "tags": []}) == {"symbol": "1", "name": None, "tags": []}


def _apply(part: Any, value: Any) -> Any:
    assert part is not None
    return part.transform(value)


def test_templates_are_tried_most_specific_first() -> None:
    ordered = ["/a/b/{x}", "/a/{x}/b", "/a/{x}/{y}", "/a/{x}/{y}/{rest*}", "/a/{rest*}", "/{x}/b", "/{rest*}"]
    shuffled = [PathTemplate.parse(text) for text in sorted(ordered)]
    assert [template.text for template in sorted(shuffled, key=specificity)] == ordered


def test_endpoints_of_one_path_are_together_whatever_their_parameters_are_called(tmp_path: Path) -> None:
    text = replaced(
        CONTRACT,
        "adapt: watchlist_done}",
        "adapt: watchlist_done}\n"
        '      - {legacy: "PATCH /api/favorites/{stock_code}", successor: "PATCH /x/{stock_code}"}\n'
        '      - {legacy: "PUT /api/favorites/{other}", successor: "PUT /x/{other}"}',
    )
    router = _compiled(tmp_path, text).router
    node = router.root
    for segment in ("", "api", "favorites"):
        node = node.literals[segment] or Node()
    assert sorted(node.targets) == ["GET", "HEAD", "POST"]
    assert node.other is not None
    assert {method: str(target.template) for method, target in node.other.targets.items()} == {
        "DELETE": "/api/favorites/{stock_code}",
        "PATCH": "/api/favorites/{stock_code}",
        "PUT": "/api/favorites/{other}",
    }
