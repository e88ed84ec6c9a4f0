"""`crossfade explain`."""

import json
import time

import jwt
import pytest

from .conftest import SECRET, Crossfade

EXPLAINED = """\
GET /api/favorites?page=2 at 2100-02-05T00:00:00Z
stage  input  outcome  reason
route  GET /api/favorites  GET /api/favorites  endpoint of migration watchlist
authenticate  auth required  consumer alice  the token is good
quotas  burst for claim:sub=alice  passed  burst has 49 of 50 left
phase  at 2100-02-05T00:00:00Z  deprecated  gone from 2100-03-02T00:00:00Z
side  10 % to the successor  successor (v2)  pinned by claim:plan=beta
forward  GET /api/favorites?page=2  GET /api/v2/watchlist?page=2 to v2  adapter items
forwarded to v2 (successor): GET /api/v2/watchlist?page=2
  RateLimit-Policy: "burst";q=50;w=1
  RateLimit: "burst";r=49;t=1
  Deprecation: @4105036800
  Sunset: Tue, 02 Mar 2100 00:00:00 GMT
  Link: </api/v2/watchlist>; rel="successor-version", <https://docs.example.com/migrate>; rel="deprecation"
  X-Served-By: v2
"""


def squeezed(text: str) -> list[list[str]]:
    """The words of each line: columns move with their widest cell."""
    return [line.split() for line in text.splitlines()]


def test_each_stage_is_printed_with_its_input_and_its_reason(crossfade: Crossfade) -> None:
    caller = ("--sub", "alice", "--claim", "plan=beta")

    done = crossfade("explain", "-c", "area.yaml", "GET /api/favorites?page=2", *caller, "--at", "2100-02-05")

    assert (done.returncode, done.stderr) == (0, "")
    assert squeezed(done.stdout) == squeezed(EXPLAINED)


def test_the_same_comes_as_json(crossfade: Crossfade) -> None:
    done = crossfade("explain", "-c", "area.yaml", "GET /api/favorites", "--sub", "alice", "--json")

    document = json.loads(done.stdout)
    assert [stage["name"] for stage in document["stages"]] == [
        "route",
        "authenticate",
        "quotas",
        "phase",
        "side",
        "forward",
    ]
    assert document["decision"]["side"] == "legacy"
    assert document["decision"]["upstream"] == "v1"
    assert ["X-Served-By", "v1"] in document["answer_headers"]


def test_a_caller_without_claims_is_refused_where_a_token_is_needed(crossfade: Crossfade) -> None:
    done = crossfade("explain", "-c", "area.yaml", "GET /api/favorites")

    assert done.returncode == 0
    assert "refused with 401 unauthenticated" in done.stdout


def test_given_claims_are_looked_at_where_a_token_is_optional(crossfade: Crossfade) -> None:
    done = crossfade("explain", "-c", "area.yaml", "DELETE /api/favorites/600519", "--sub", "x", "--claim", "plan=beta")

    assert "forwarded to v2 (successor): DELETE /api/v2/watchlist/600519" in done.stdout


def test_a_token_in_a_header_is_verified(crossfade: Crossfade) -> None:
    good = jwt.encode({"sub": "alice", "iss": "tacn", "exp": int(time.time()) + 60}, SECRET, "HS256")
    bad = jwt.encode({"sub": "alice", "iss": "tacn", "exp": int(time.time()) + 60}, f"not {SECRET}", "HS256")

    accepted, refused = (
        crossfade("explain", "-c", "area.yaml", "GET /api/favorites", "--header", f"Authorization: Bearer {token}")
        for token in (good, bad)
    )

    assert "consumer alice" in accepted.stdout
    assert "refused with 401" in refused.stdout


def test_a_moment_in_the_future_answers_as_of_then(crossfade: Crossfade) -> None:
    done = crossfade(
        "explain", "-c", "area.yaml", "GET /api/favorites", "--sub", "alice", "--at", "2100-03-02T00:00:00Z"
    )

    assert "refused with 410 api-version-gone" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("favorites",), "Write the request as a method and a path"),
        (("GET /x", "--at", "tomorrow"), "--at takes an ISO 8601 date or time"),
        (("GET /x", "--claim", "plan"), "write it like plan=beta"),
        (("GET /x", "--header", "X-Track"), "write it like X-Api-Track:legacy"),
    ],
)
def test_a_slip_on_the_command_line_is_named(crossfade: Crossfade, arguments: tuple[str, ...], sentence: str) -> None:
    done = crossfade("explain", "-c", "area.yaml", *arguments)

    assert done.returncode == 2
    assert sentence in done.stderr
