"""What a caller must have besides a good token."""

from datetime import UTC, datetime

import pytest

from gateway.config.snapshot import Endpoint, Snapshot
from gateway.core.http import RequestHead
from gateway.policy.decide import Memory, decide
from gateway.policy.decision import Decision, Forward, Refuse
from gateway.policy.permission import scopes
from gateway.policy.trace import Trace

from .conftest import Compile, token

NOW = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
ROUTE = '  - {name: v2, match: "/api/v2/{rest*}", upstream: v2, auth: required, quotas: [burst]}'


def requiring(compiled: Compile, what: str) -> Snapshot:
    return compiled((ROUTE, f"{ROUTE[:-1]}, require: {what}}}"))


def ask(
    snapshot: Snapshot, target: str, *fields: tuple[str, str], trace: Trace | None = None, **claims: object
) -> Decision:
    bearer = ("Authorization", f"Bearer {token(NOW, **claims)}")
    return decide(RequestHead.of("GET", target, (*fields, bearer)), snapshot, NOW, Memory.fresh(), trace)


@pytest.mark.parametrize(
    ("what", "claims", "is_allowed"),
    [
        ("{claim: {role: admin}}", {"role": "admin"}, True),
        ("{claim: {role: admin}}", {"role": "user"}, False),
        ("{claim: {role: admin}}", {"role": "Admin"}, False),
        ("{claim: {role: admin}}", {}, False),
        ("{claim: {role: admin}}", {"role": ["user", "admin"]}, True),
        ("{claim: {role: admin}}", {"role": ["administrator"]}, False),
        ("{claim: {role: admin}}", {"role": {"admin": True}}, False),
        ("{claim: {role: [admin, owner]}}", {"role": "owner"}, True),
        ("{claim: {role: [admin, owner]}}", {"role": "user"}, False),
        ("{claim: {role: admin, plan: pro}}", {"role": "admin"}, False),
        ("{claim: {role: admin, plan: pro}}", {"role": "admin", "plan": "pro"}, True),
        ('{claim: {verified: "true"}}', {"verified": True}, True),
        ('{scope: "quotes:write"}', {"scope": "quotes:read quotes:write"}, True),
        ('{scope: "quotes:write"}', {"scope": "quotes:writeall"}, False),
        ('{scope: "quotes:write"}', {"scp": ["quotes:write"]}, True),
        ('{scope: "quotes:write"}', {"scp": "quotes:read quotes:write"}, True),
        ('{scope: "quotes:write"}', {"scp": {"quotes:write": 1}}, False),
        ('{scope: "quotes:read quotes:write"}', {"scope": "quotes:write"}, False),
        ('{scope: "quotes:read quotes:write"}', {"scope": "quotes:write quotes:read"}, True),
        ('{scope: ["quotes:read", "admin"]}', {"scope": "admin"}, True),
        ('{scope: ["quotes:read", "admin"]}', {"scope": "other"}, False),
        ("{}", {}, True),
    ],
)
def test_a_caller_passes_who_has_everything_that_is_required(
    compiled: Compile, what: str, claims: dict[str, object], is_allowed: bool
) -> None:
    decision = ask(requiring(compiled, what), "/api/v2/x", **claims)
    assert isinstance(decision, Forward) is is_allowed


def test_a_required_header_is_compared_with_every_value_that_is_allowed(compiled: Compile) -> None:
    snapshot = requiring(compiled, "{header: {X-Client: [app, web]}}")
    assert isinstance(ask(snapshot, "/api/v2/x", ("x-client", "web")), Forward)
    assert isinstance(ask(snapshot, "/api/v2/x", ("X-Client", "curl")), Refuse)
    assert isinstance(ask(snapshot, "/api/v2/x"), Refuse)


def test_who_lacks_a_scope_is_told_which_and_counts_for_no_quota(compiled: Compile) -> None:
    refusal = ask(requiring(compiled, '{scope: "quotes:write"}'), "/api/v2/x")
    assert isinstance(refusal, Refuse)
    assert (refusal.problem.code, refusal.problem.type, refusal.reason) == (403, "forbidden", "forbidden")
    assert refusal.problem.detail == "The caller lacks the scope quotes:write."
    assert refusal.headers == (("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="quotes:write"'),)


def test_a_required_value_is_never_told(compiled: Compile) -> None:
    refusal = ask(requiring(compiled, "{header: {X-Client: s3cret}, claim: {role: admin}}"), "/api/v2/x", role="admin")
    assert isinstance(refusal, Refuse)
    assert "s3cret" not in refusal.problem.detail
    assert refusal.headers == (("WWW-Authenticate", 'Bearer error="insufficient_scope"'),)


def test_no_token_is_still_a_401(compiled: Compile) -> None:
    snapshot = requiring(compiled, "{claim: {role: admin}}")
    refusal = decide(RequestHead.of("GET", "/api/v2/x"), snapshot, NOW, Memory.fresh())
    assert isinstance(refusal, Refuse)
    assert refusal.problem.code == 401


def test_an_endpoint_has_its_migrations_requirement_unless_it_has_its_own(compiled: Compile) -> None:
    snapshot = compiled(
        (
            "    auth: required\n    endpoints:",
            "    auth: required\n    require: {claim: {role: user}}\n    endpoints:",
        ),
        ("        quotas: [burst, free]", "        quotas: [burst, free]\n        require: {claim: {role: admin}}"),
        ('"PUT /api/v2/watchlist/{stock_code}"}', '"PUT /api/v2/watchlist/{stock_code}", require: {}}'),
    )
    assert {endpoint.method: required(endpoint) for endpoint in snapshot.endpoints} == {
        "GET": "claim:role=user",
        "POST": "claim:role=user",
        "PATCH": "None",
        "DELETE": "claim:role=admin",
    }


def required(endpoint: Endpoint) -> str:
    return str(endpoint.require)


def test_the_trace_shows_what_is_required_and_what_is_lacking(compiled: Compile) -> None:
    trace = Trace()
    ask(requiring(compiled, '{claim: {role: [owner, admin]}, scope: ["a b", c]}'), "/api/v2/x", trace=trace)
    stage = trace.stages[-1]
    assert (stage.name, stage.outcome) == ("require", "403")
    assert stage.input == "claim:role=admin|owner and scope=a b|c"
    assert stage.reason == "the caller lacks the claim role with a value that is allowed here"
    trace = Trace()
    ask(requiring(compiled, "{claim: {role: admin}}"), "/api/v2/x", trace=trace, role="admin")
    assert [stage.name for stage in trace.stages][:4] == ["route", "authenticate", "require", "quotas"]


def test_scopes_that_are_no_texts_grant_nothing() -> None:
    assert scopes({"scope": ["a"], "scp": ["b", 1, None]}) == {"a", "b"}
    assert scopes({"scope": 7}) == frozenset()
