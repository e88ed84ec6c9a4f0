"""What a browser needs to let a page of another origin call us and read the answer, refusals included."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import pytest

from gateway.server.gateway import Gateway
from tests.support.client import Received, ask, connected
from tests.support.clock import FakeClock
from tests.support.gateway import LISTEN, running
from tests.support.upstream import ScriptedUpstream, answering, json_answer

APP = "https://app.test"
SECRET = "a secret for tests that is long enough for HS256"
NOW = 1_800_000_000.0
CORS = f'  cors: {{origins: ["{APP}", "https://other.test"], credentials: true, max_age: 10m}}'
ANYONE = '  cors: {origins: ["*"]}'
ALLOWS = (
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
    "Access-Control-Expose-Headers",
)


def configuration(origin: str, server: str = CORS) -> str:
    return f"""{LISTEN}{server}
upstreams:
  v1: {{endpoints: ["{origin}"]}}
  v2: {{endpoints: ["{origin}"]}}
auth:
  jwt: {{keys: [{{alg: HS256, secret: "{SECRET}"}}]}}
quotas:
  once: {{quota: 1, window: 1m, by: ip}}
routes:
  - {{name: closed, match: "GET /closed", upstream: v1}}
  - {{name: admin, match: "GET /admin", upstream: v1, require: {{scope: admin}}}}
  - {{name: counted, match: "GET /counted", upstream: v1, auth: none, quotas: [once]}}
  - {{name: open, match: "/open/{{rest*}}", upstream: v1, auth: none}}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: none
    endpoints:
      - {{legacy: "GET /api/favorites", successor: "GET /api/v2/watchlist"}}
      - {{legacy: "POST /api/favorites", successor: "POST /api/v2/watchlist"}}
    deprecation: {{announced: 2026-01-01, deprecated: +30d, gone: +60d}}
"""


@asynccontextmanager
async def serving(folder: Path, server: str = CORS, answer: bytes = json_answer(b"{}")) -> AsyncIterator[Gateway]:
    async with (
        ScriptedUpstream(answering(answer)) as v1,
        running(folder, configuration(v1.origin, server), clock=FakeClock(NOW)) as gateway,
    ):
        yield gateway


def bearer(**claims: object) -> Mapping[str, str]:
    signed = jwt.encode({"sub": "alice", "exp": int(NOW) + 900, **claims}, SECRET, "HS256")
    return {"Authorization": f"Bearer {signed}"}


def preflight(method: str = "GET", origin: str = APP, headers: str | None = None) -> dict[str, str]:
    asked = {"Access-Control-Request-Headers": headers} if headers is not None else {}
    return {"Origin": origin, "Access-Control-Request-Method": method, **asked}


def allowed(answer: Received) -> dict[str, str]:
    """Every CORS field of an answer; one that came twice fails the test."""
    return {name: value for name in ALLOWS if (value := answer.get(name)) is not None}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/closed", "GET, HEAD"),
        ("/api/favorites", "GET, HEAD, POST"),
        ("/open/x", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("/health", "GET, HEAD"),
    ],
)
async def test_a_preflight_is_answered_without_a_token_and_without_the_backend(
    tmp_path: Path, path: str, methods: str
) -> None:
    async with ScriptedUpstream() as v1, running(tmp_path, configuration(v1.origin)) as gateway:
        answer = await ask(gateway.public_port, path, "OPTIONS", preflight(headers="Authorization,  X-Thing"))
    assert (answer.status, answer.body, v1.received) == (204, b"", [])
    assert allowed(answer) == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "authorization,  x-thing",
        "Access-Control-Max-Age": "600",
    }
    assert answer.get("Vary") == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    assert answer.get("X-Request-Id")


@pytest.mark.parametrize("path", ["/nowhere", "/open/../closed", "/open%2f..", "*"])
async def test_a_preflight_of_a_path_that_leads_nowhere_names_no_method(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as gateway:
        answer = await ask(gateway.public_port, path, "OPTIONS", preflight("DELETE"))
    assert answer.status == 204
    assert "Access-Control-Allow-Methods" not in allowed(answer)


@pytest.mark.parametrize("headers", ["", "a b", "x:y", "a,,b", "é", "a" * 3000])
async def test_only_a_short_list_of_names_is_echoed(tmp_path: Path, headers: str) -> None:
    async with serving(tmp_path) as gateway:
        answer = await ask(gateway.public_port, "/closed", "OPTIONS", preflight(headers=headers))
    assert answer.status == 204
    assert "Access-Control-Allow-Headers" not in allowed(answer)


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "https://app.test.evil.test", "http://app.test", "https://APP.test", "null", ""]
)
async def test_another_origin_is_allowed_nothing(tmp_path: Path, origin: str) -> None:
    async with serving(tmp_path) as gateway:
        asked = await ask(gateway.public_port, "/closed", "OPTIONS", preflight(origin=origin))
        answered = await ask(gateway.public_port, "/open/x", fields={"Origin": origin})
    assert (asked.status, allowed(asked)) == (204, {})
    assert "Origin" in (asked.get("Vary") or "")
    assert (answered.status, allowed(answered), answered.get("Vary")) == (200, {}, "Origin")


async def test_an_options_request_that_is_no_preflight_goes_its_way(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        forwarded = await ask(gateway.public_port, "/open/x", "OPTIONS", {"Origin": APP})
        refused = await ask(gateway.public_port, "/closed", "OPTIONS", {"Access-Control-Request-Method": "GET"})
    assert (forwarded.status, refused.status) == (200, 405)


async def test_an_answer_may_be_read_by_the_page_that_asked(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        answer = await ask(gateway.public_port, "/open/x", fields={"Origin": APP})
        plain = await ask(gateway.public_port, "/open/x")
    exposed = answer.get("Access-Control-Expose-Headers") or ""
    assert answer.get("Access-Control-Allow-Origin") == APP
    assert answer.get("Access-Control-Allow-Credentials") == "true"
    assert {
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "Deprecation",
        "Sunset",
        "Link",
        "X-Request-Id",
        "X-Served-By",
    } <= set(exposed.split(", "))
    assert answer.get("Vary") == "Origin"
    assert (allowed(plain), plain.get("Vary")) == ({}, "Origin")


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/closed", {}, 401),
        ("/admin", bearer(), 403),
        ("/counted", {}, 429),
        ("/api/favorites", {}, 410),
        ("/nowhere", {}, 404),
        ("/a/../b", {}, 400),
        ("/health", {}, 200),
        ("/.well-known/api-migrations", {}, 200),
    ],
)
async def test_what_the_gateway_answers_itself_can_be_read_as_well(
    tmp_path: Path, path: str, token: Mapping[str, str], status: int
) -> None:
    async with serving(tmp_path) as gateway:
        fields = {"Origin": APP, **token}
        if status == 429:
            await ask(gateway.public_port, path, fields=fields)
        answer = await ask(gateway.public_port, path, fields=fields)
    assert answer.status == status
    assert answer.get("Access-Control-Allow-Origin") == APP
    assert answer.get("Access-Control-Allow-Credentials") == "true"
    assert answer.get("Vary") == "Origin"


async def test_a_backend_that_is_away_is_a_502_that_the_page_can_read(tmp_path: Path) -> None:
    async with running(tmp_path, configuration("http://127.0.0.1:1")) as gateway:
        answer = await ask(gateway.public_port, "/open/x", fields={"Origin": APP})
    assert (answer.status, answer.get("Access-Control-Allow-Origin")) == (502, APP)


FOREIGN = (
    b"Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n"
    b"access-control-expose-headers: Secret\r\nVary: Accept-Encoding\r\n"
)


@pytest.mark.parametrize("origin", [APP, "https://evil.test", None])
async def test_the_gateway_is_the_only_authority_and_the_backends_vary_stays(
    tmp_path: Path, origin: str | None
) -> None:
    async with serving(tmp_path, answer=json_answer(b"{}", fields=FOREIGN)) as gateway:
        answer = await ask(gateway.public_port, "/open/x", fields={"Origin": origin} if origin else {})
    assert answer.get("Access-Control-Allow-Origin") == (APP if origin == APP else None)
    assert "Secret" not in (answer.get("Access-Control-Expose-Headers") or "")
    assert sorted(answer.all("Vary")) == ["Accept-Encoding", "Origin"]


async def test_without_cors_the_backend_decides(tmp_path: Path) -> None:
    async with serving(tmp_path, server="", answer=json_answer(b"{}", fields=FOREIGN)) as gateway:
        answer = await ask(gateway.public_port, "/open/x", fields={"Origin": APP})
        asked = await ask(gateway.public_port, "/open/x", "OPTIONS", preflight())
    assert answer.get("Access-Control-Allow-Origin") == "*"
    assert answer.get("Vary") == "Accept-Encoding"
    assert asked.status == 200


async def test_a_star_is_for_everybody_and_never_with_credentials(tmp_path: Path) -> None:
    async with serving(tmp_path, server=ANYONE) as gateway:
        answers = [
            await ask(gateway.public_port, "/open/x", fields={"Origin": APP}),
            await ask(gateway.public_port, "/open/x"),
            await ask(gateway.public_port, "/closed", "OPTIONS", preflight()),
        ]
    assert [answer.get("Access-Control-Allow-Origin") for answer in answers] == ["*", "*", "*"]
    assert [answer.get("Access-Control-Allow-Credentials") for answer in answers] == [None, None, None]


async def test_a_preflight_leaves_the_connection_and_the_quota_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        for _ in range(3):
            assert (await ask(gateway.public_port, "/counted", "OPTIONS", preflight())).status == 204
        assert (await ask(gateway.public_port, "/counted", fields={"Origin": APP})).status == 200


HASTY = f"""{CORS}
  limits: {{request_line: 1KiB, headers: 4KiB, header_count: 20, body: 1KiB, header_timeout: 1s, body_timeout: 1s}}"""
EARLY = {
    "no field": (400, "GET /open/x HTTP/1.1\r\nHost: a\r\nOrigin: ORIGIN\r\nno field\r\n\r\n"),
    "bad chunk": (
        400,
        "POST /open/x HTTP/1.1\r\nHost: a\r\nOrigin: ORIGIN\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ),
    "slow head": (408, "GET /open/x HTTP/1.1\r\nHost: a\r\nOrigin: ORIGIN\r\nX-More"),
    "slow body": (408, "POST /open/x HTTP/1.1\r\nHost: a\r\nOrigin: ORIGIN\r\nContent-Length: 9\r\n\r\nx"),
    "large body": (413, "POST /open/x HTTP/1.1\r\nHost: a\r\nOrigin: ORIGIN\r\nContent-Length: 9999\r\n\r\n"),
    "long line": (414, f"GET /open/{'x' * 2000} HTTP/1.1\r\nHost: a\r\nOrigin: ORIGIN\r\n\r\n"),
    "large head": (431, f"GET /open/x HTTP/1.1\r\nHost: a\r\noRIGIn: ORIGIN\r\nX: {'x' * 5000}\r\n\r\n"),
    "large head, begun": (431, f"GET /open/x HTTP/1.1\r\nHost: a\r\norigin:ORIGIN \r\nX: {'x' * 5000}"),
    "many fields": (431, f"GET /open/x HTTP/1.1\r\nHost: a\r\nOrigin: ORIGIN\r\n{'X: y\r\n' * 30}\r\n"),
}
"""Refused before anything is decided about them, each with the status; `ORIGIN` stands for the page."""


async def refused(gateway: Gateway, request: str) -> Received:
    async with connected(gateway.public_port) as client:
        await client.send(request.encode())
        return await client.answer()


@pytest.mark.parametrize("name", EARLY)
async def test_a_refusal_before_all_decisions_can_be_read_where_the_origin_was(tmp_path: Path, name: str) -> None:
    status, request = EARLY[name]
    async with serving(tmp_path, HASTY) as gateway:
        answer, other = [await refused(gateway, request.replace("ORIGIN", page)) for page in (APP, "https://evil.test")]
    assert (answer.status, other.status) == (status, status)
    assert answer.get("Access-Control-Allow-Origin") == APP
    assert allowed(other) == {}
    assert (answer.get("Vary"), other.get("Vary")) == ("Origin", "Origin")


@pytest.mark.parametrize(
    "request_bytes",
    [
        "\x16\x03\x01\x02\r\n",
        "GET /open/x HTTP/1.1\r\nHost: a\r\nno field\r\n\r\nOrigin: ORIGIN\r\n\r\n",
        "GET /open/x HTTP/1.1\r\nHost: a\r\nno field\r\nOrigin: ORIGIN\r\nOrigin: ORIGIN\r\n\r\n",
    ],
)
async def test_where_no_origin_can_be_told_no_page_reads_the_refusal(tmp_path: Path, request_bytes: str) -> None:
    async with serving(tmp_path) as gateway:
        answer = await refused(gateway, request_bytes.replace("ORIGIN", APP))
    assert (answer.status, allowed(answer)) == (400, {})


async def test_without_cors_early_refusals_say_nothing_about_it(tmp_path: Path) -> None:
    async with serving(tmp_path, "") as gateway:
        answer = await refused(gateway, EARLY["no field"][1].replace("ORIGIN", APP))
    assert (answer.status, allowed(answer), answer.get("Vary")) == (400, {}, None)
