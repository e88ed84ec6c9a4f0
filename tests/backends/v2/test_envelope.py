"""What is around every answer: the request's id, the time, and failures that no area knows of."""

import io
import re
from collections.abc import Mapping
from typing import Any

import pytest

from backends.v2.envelope import is_request_id
from tests.backends.v2.caller import Caller


async def asked(
    caller: Caller, method: str, path: str, **headers: str
) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    """Status, headers and body of a raw call."""
    async with caller.session.request(method, path, headers={**caller.headers, **headers}) as response:
        return response.status, response.headers, await response.json()


async def test_a_clients_request_id_comes_back(bob: Caller) -> None:
    _, headers, body = await asked(bob, "GET", "/api/v2/watchlist", **{"X-Request-Id": "r-1"})
    assert (headers["X-Request-Id"], body["meta"]["requestId"]) == ("r-1", "r-1")


async def test_failures_bear_the_request_id_as_well(anyone: Caller) -> None:
    _, headers, body = await asked(anyone, "GET", "/api/v2/watchlist", **{"X-Request-Id": "r-2"})
    assert (headers["X-Request-Id"], body["meta"]["requestId"]) == ("r-2", "r-2")


async def test_without_one_each_request_gets_its_own(bob: Caller) -> None:
    ids = {(await asked(bob, "GET", "/api/v2/watchlist"))[2]["meta"]["requestId"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [("r-1", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("é", False), ("", False)],
)
def test_only_short_visible_ids_are_kept(text: str, is_kept: bool) -> None:
    assert is_request_id(text) is is_kept


async def test_the_time_is_iso_8601_with_milliseconds(bob: Caller) -> None:
    _, _, body = await asked(bob, "GET", "/api/v2/watchlist")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["meta"]["timestamp"])


async def test_an_unknown_path_is_404_to_anyone(anyone: Caller) -> None:
    status, _, body = await asked(anyone, "GET", "/api/v2/nothing")
    assert status == 404
    assert body["success"] is False
    assert body["error"] == {"code": "NOT_FOUND", "message": "not found", "details": None}
    assert set(body["meta"]) == {"requestId", "timestamp"}


async def test_a_wrong_method_is_405_with_what_is_allowed(anyone: Caller) -> None:
    status, headers, body = await asked(anyone, "PUT", "/api/v2/watchlist")
    assert (status, body["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert set(headers["Allow"].split(",")) == {"GET", "POST"}


async def test_a_refused_token_is_challenged(anyone: Caller) -> None:
    status, headers, body = await asked(anyone, "GET", "/api/v2/auth/me", Authorization="Bearer x.y.z")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert body["error"]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"{", "the body must be JSON"), (b"[]", "the body must be a JSON object"), (b"\xff", "the body must be JSON")],
)
async def test_a_body_that_is_no_json_object_is_422(body: bytes, reason: str, bob: Caller) -> None:
    error = await bob.error(422, "POST", "/api/v2/watchlist", body)
    assert error == {"code": "VALIDATION_ERROR", "message": reason, "details": [{"field": "", "reason": reason}]}


async def test_the_token_is_judged_before_the_body(anyone: Caller) -> None:
    await anyone.error(401, "POST", "/api/v2/watchlist", b"{")


async def test_too_large_a_body_is_413(bob: Caller) -> None:
    url, body = "/api/v2/watchlist", io.BytesIO(b'"' + b"x" * 2**21 + b'"')
    async with bob.session.post(url, data=body, headers=bob.headers) as response:
        assert response.status == 413
        assert (await response.json())["success"] is False
