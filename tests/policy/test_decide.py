"""Steps 2 to 6 of a request's life, in their order."""

from datetime import UTC, datetime

import pytest

from gateway.config.snapshot import Side, Snapshot
from gateway.core.http import RequestHead
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Decision, Forward, Local, Refuse
from gateway.policy.trace import Trace

from .conftest import Compile, token

BEFORE = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
DEPRECATED = datetime(2027, 2, 1, tzinfo=UTC).timestamp()
GONE = datetime(2027, 3, 5, tzinfo=UTC).timestamp()


def ask(snapshot: Snapshot, line: str, *fields: tuple[str, str], now: float = BEFORE, **claims: object) -> Decision:
    """Decide `METHOD target` for a caller with these claims; without claims the request has no token."""
    method, target = line.split(" ")
    bearer = (("Authorization", f"Bearer {token(now, **claims)}"),) if claims else ()
    return decide(RequestHead.of(method, target, (*fields, *bearer)), snapshot, now, Memory.fresh())


def forwarded(decision: Decision) -> Forward:
    assert isinstance(decision, Forward), decision
    return decision


def refused(decision: Decision) -> Refuse:
    assert isinstance(decision, Refuse), decision
    return decision


@pytest.mark.parametrize(("line", "status"), [("GET /nowhere", 404), ("PUT /api/favorites", 405), ("GET /a/../b", 400)])
def test_a_path_comes_before_a_token(snapshot: Snapshot, line: str, status: int) -> None:
    assert refused(ask(snapshot, line)).problem.code == status


def test_a_wrong_method_names_the_right_ones(snapshot: Snapshot) -> None:
    assert refused(ask(snapshot, "PUT /api/favorites")).headers == (("Allow", "GET, HEAD, POST"),)


def test_a_missing_token_is_a_401_with_a_challenge_and_no_deprecation_headers(snapshot: Snapshot) -> None:
    refusal = refused(ask(snapshot, "GET /api/favorites", now=GONE))
    assert refusal.problem.code == 401
    assert [name for name, _ in refusal.headers] == ["WWW-Authenticate"]


def test_quotas_come_before_the_phase_and_their_headers_are_on_both(snapshot: Snapshot) -> None:
    memory = Memory.fresh()
    line = ("DELETE", "/api/favorites/600519")
    head = RequestHead.of(*line, [("Authorization", f"Bearer {token(GONE, plan='free')}")])
    answers = [refused(decide(head, snapshot, GONE, memory)) for _ in range(3)]
    assert [answer.problem.code for answer in answers] == [410, 410, 429]
    assert all("RateLimit" in dict(answer.headers) for answer in answers)
    assert dict(answers[0].headers)["RateLimit-Policy"] == '"burst";q=3;w=1, "free";q=2;w=86400'
    assert "Deprecation" not in dict(answers[2].headers)


@pytest.mark.parametrize(
    ("subject", "side", "line"),
    [
        ("alice", Side.LEGACY, ("PATCH", "/api/favorites/60%30519", "a=1")),
        ("bob", Side.SUCCESSOR, ("PUT", "/api/v2/watchlist/60%30519", "a=1")),
    ],
)
def test_a_side_gets_its_own_method_path_and_query(
    snapshot: Snapshot, subject: str, side: Side, line: tuple[str, str, str]
) -> None:
    forward = forwarded(ask(snapshot, "PATCH /api/favorites/60%30519?a=1", sub=subject))
    assert forward.side is side
    assert (forward.method, forward.path, forward.query) == line


def test_head_stays_head_on_the_successor(snapshot: Snapshot) -> None:
    forward = forwarded(ask(snapshot, "HEAD /api/favorites?page_size=3", sub="bob"))
    assert (forward.method, forward.path, forward.query) == ("HEAD", "/api/v2/watchlist", "pageSize=3")


def test_only_the_successors_messages_are_adapted(snapshot: Snapshot) -> None:
    assert forwarded(ask(snapshot, "GET /api/favorites", sub="alice")).adapter is None
    adapter = forwarded(ask(snapshot, "GET /api/favorites", sub="bob")).adapter
    assert adapter is not None
    assert adapter.name == "items"


def test_the_answer_says_who_served_it(snapshot: Snapshot, compiled: Compile) -> None:
    assert ("X-Served-By", "v2") in forwarded(ask(snapshot, "GET /api/favorites", sub="bob")).answer_headers
    assert ("X-Served-By", "v1") in forwarded(ask(snapshot, "GET /api/screening/x")).answer_headers
    silent = compiled(("  listen: 127.0.0.1:0", "  listen: 127.0.0.1:0\n  version_header: null"))
    assert "X-Served-By" not in dict(forwarded(ask(silent, "GET /api/favorites", sub="bob")).answer_headers)


def test_deprecation_headers_are_on_answers_of_both_sides(snapshot: Snapshot) -> None:
    now = datetime(2027, 2, 1, tzinfo=UTC).timestamp()
    for subject in ("alice", "bob"):
        headers = dict(forwarded(ask(snapshot, "GET /api/favorites", now=now, sub=subject)).answer_headers)
        assert headers["Deprecation"] == "@1801353600"
        assert headers["Link"].startswith('</api/v2/watchlist>; rel="successor-version"')


def test_the_rehearsal_header_answers_as_of_its_date_and_is_not_sent_on(snapshot: Snapshot) -> None:
    refusal = refused(ask(snapshot, "GET /api/favorites", ("Crossfade-Rehearse", "2027-03-05"), sub="alice"))
    assert refusal.problem.type == "api-version-gone"
    forward = forwarded(ask(snapshot, "GET /api/favorites", ("Crossfade-Rehearse", "2027-02-01"), sub="alice"))
    assert "Deprecation" in dict(forward.answer_headers)
    assert "crossfade-rehearse" in forward.drop


def test_a_rehearsal_date_that_is_none_is_a_400(snapshot: Snapshot) -> None:
    refusal = refused(ask(snapshot, "GET /api/favorites", ("Crossfade-Rehearse", "tomorrow"), sub="alice"))
    assert (refusal.problem.code, refusal.reason) == (400, "rehearsal")


@pytest.mark.parametrize("when", ["0001-01-01T00:00+23:59", "1969-12-31", "9999-12-31T23:59:59-23:59"])
def test_a_rehearsal_date_of_no_calendar_is_a_400_and_can_be_explained(snapshot: Snapshot, when: str) -> None:
    fields = [("Authorization", f"Bearer {token(BEFORE)}"), ("Crossfade-Rehearse", when)]
    head = RequestHead.of("GET", "/api/favorites", fields)
    assert refused(decide(head, snapshot, BEFORE, Memory.fresh(), Trace())).problem.code == 400


@pytest.mark.parametrize(
    ("now", "problem"),
    [
        (datetime(2027, 2, 10, 9, 30, tzinfo=UTC), "brownout"),
        (datetime(2027, 3, 5, tzinfo=UTC), "api-version-gone"),
        (datetime(2027, 5, 1, tzinfo=UTC), "api-version-removed"),
    ],
)
@pytest.mark.parametrize("when", ["2026-06-01", "2027-02-20"])
def test_a_rehearsal_never_opens_what_is_closed(snapshot: Snapshot, now: datetime, problem: str, when: str) -> None:
    decision = ask(snapshot, "GET /api/favorites", ("Crossfade-Rehearse", when), now=now.timestamp(), sub="alice")
    assert refused(decision).problem.type == problem


def test_rehearsal_can_be_switched_off(compiled: Compile) -> None:
    snapshot = compiled(("rehearsal: true", "rehearsal: false"))
    decision = ask(snapshot, "GET /api/favorites", ("Crossfade-Rehearse", "2027-03-05"), sub="alice")
    assert forwarded(decision).phase == "parallel"


def test_identity_headers_come_from_the_token_only(snapshot: Snapshot) -> None:
    forward = forwarded(ask(snapshot, "GET /api/favorites", ("X-User-Id", "root"), sub="alice", role="admin"))
    assert {"x-user-id", "x-user-role"} <= forward.drop
    assert forward.add == (("X-User-Id", "alice"), ("X-User-Role", "admin"))


def test_fields_are_written_as_they_are_listed(snapshot: Snapshot) -> None:
    forward = forwarded(ask(snapshot, "GET /api/favorites", now=DEPRECATED, sub="alice", role="admin"))
    assert forward.identity == "X-User-Id: alice\r\nX-User-Role: admin\r\n"
    assert forward.notices == "".join(f"{name}: {value}\r\n" for name, value in forward.answer_headers)
    assert [name for name, _ in forward.answer_headers] == [
        "Deprecation",
        "Sunset",
        "Link",
        "X-Served-By",
    ]


def test_quotas_by_consumer_count_the_same_consumer_with_every_token(snapshot: Snapshot) -> None:
    memory = Memory.fresh()
    heads = [
        RequestHead.of("GET", "/api/v2/x", [("Authorization", f"Bearer {token(BEFORE, client_id='app', jti=str(n))}")])
        for n in range(4)
    ]
    answers = [decide(head, snapshot, BEFORE, memory) for head in heads]
    assert [isinstance(answer, Forward) for answer in answers] == [True, True, True, False]


def test_a_claim_cannot_end_a_header_line(snapshot: Snapshot) -> None:
    forward = forwarded(ask(snapshot, "GET /api/favorites", sub="用户\r\nX-Admin: 1%"))
    assert dict(forward.add)["X-User-Id"] == "%E7%94%A8%E6%88%B7%0D%0AX-Admin: 1%25"


def test_where_no_token_is_looked_at_nothing_is_known_about_the_caller(snapshot: Snapshot) -> None:
    forward = forwarded(ask(snapshot, "POST /api/v2/auth/login", sub="alice", role="admin"))
    assert (forward.add, forward.caller.claims, forward.caller.consumer) == ((), None, "127.0.0.1")
    assert {"x-user-id", "x-user-role"} <= forward.drop


def test_an_optional_token_must_still_be_good(snapshot: Snapshot) -> None:
    assert forwarded(ask(snapshot, "GET /api/screening/run")).caller.claims is None
    assert forwarded(ask(snapshot, "GET /api/screening/run", sub="alice")).caller.consumer == "alice"
    bad = ask(snapshot, "GET /api/screening/run", ("Authorization", "Bearer x"))
    assert refused(bad).problem.code == 401


def test_the_consumer_is_the_first_configured_identity(snapshot: Snapshot) -> None:
    assert forwarded(ask(snapshot, "GET /api/favorites", sub="alice", client_id="app")).caller.consumer == "app"
    assert forwarded(ask(snapshot, "GET /api/favorites", sub="alice")).caller.consumer == "alice"


@pytest.mark.parametrize(
    ("hops", "forwarded_for", "expected"),
    [
        (0, "1.1.1.1", "127.0.0.1"),
        (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        (2, "1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "2.2.2.2", "127.0.0.1"),
        (1, None, "127.0.0.1"),
    ],
)
def test_the_address_is_believed_as_far_as_proxies_are_trusted(
    compiled: Compile, hops: int, forwarded_for: str | None, expected: str
) -> None:
    snapshot = compiled(("  listen: 127.0.0.1:0", f"  listen: 127.0.0.1:0\n  trusted_hops: {hops}"))
    fields = (("X-Forwarded-For", forwarded_for),) if forwarded_for else ()
    assert forwarded(ask(snapshot, "GET /api/screening/x", *fields)).caller.ip == expected


@pytest.mark.parametrize("path", ["/api/screening%2Frun", "/api//screening/run", "/%61pi%2fv2%2Fx", "//api/favorites"])
def test_a_path_that_a_backend_could_read_as_another_target_is_refused(compiled: Compile, path: str) -> None:
    snapshot = compiled(("adapters:\n", '  - {name: rest, match: "/{rest*}", upstream: v1, auth: none}\nadapters:\n'))
    refusal = refused(ask(snapshot, f"GET {path}"))
    assert (refusal.problem.code, refusal.reason) == (400, "unsafe_path")


@pytest.mark.parametrize("path", ["/api/screening/a%2Fb", "/api/screening//b", "/api/screening/%E8%8C%85%25"])
def test_a_path_that_means_the_same_target_however_it_is_read_goes_on_as_written(snapshot: Snapshot, path: str) -> None:
    assert forwarded(ask(snapshot, f"GET {path}")).path == path


def test_a_query_that_the_adapters_expression_cannot_take_goes_on_untouched(compiled: Compile) -> None:
    snapshot = compiled(('"{page: page, pageSize: page_size}"', '"{page: abs(page)}"'))
    assert forwarded(ask(snapshot, "GET /api/favorites?page=1", sub="bob")).query == "page=1"


@pytest.mark.parametrize("path", ["/health", "/.well-known/api-migrations"])
def test_own_paths_are_served_here_whatever_the_routes_say(snapshot: Snapshot, path: str) -> None:
    assert isinstance(ask(snapshot, f"GET {path}"), Local)
    assert isinstance(ask(snapshot, f"HEAD {path}"), Local)
    assert refused(ask(snapshot, f"POST {path}")).problem.code == 405


@pytest.mark.parametrize(
    ("line", "claims", "stages"),
    [
        ("GET /health", {}, ["route"]),
        ("GET /nowhere", {}, ["route"]),
        ("GET /api/favorites", {}, ["route", "authenticate"]),
        ("GET /api/favorites", {"sub": "bob"}, ["route", "authenticate", "quotas", "phase", "side", "forward"]),
        ("GET /api/v2/x", {"sub": "bob"}, ["route", "authenticate", "quotas", "side", "forward"]),
    ],
)
def test_a_trace_holds_every_stage_and_changes_nothing(
    snapshot: Snapshot, line: str, claims: dict[str, object], stages: list[str]
) -> None:
    method, target = line.split(" ")
    fields = [("Authorization", f"Bearer {token(BEFORE, **claims)}")] if claims else []
    head, trace = RequestHead.of(method, target, fields), Trace()
    traced = decide(head, snapshot, BEFORE, Memory.fresh(), trace)
    assert [stage.name for stage in trace.stages] == stages
    assert traced == decide(head, snapshot, BEFORE, Memory.fresh())
