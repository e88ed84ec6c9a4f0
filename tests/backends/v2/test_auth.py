"""`/api/v2/auth`."""

import re

import pytest

from tests.backends.v2.caller import Caller

DORA = {"username": "dora", "password": "dora-demo", "email": "dora@example.com"}


async def test_a_login_gives_tokens_and_the_user(anyone: Caller) -> None:
    data = await anyone.data("POST", "/api/v2/auth/login", {"username": "alice", "password": "alice-demo"})
    assert set(data) == {"accessToken", "refreshToken", "tokenType", "expiresIn", "user"}
    assert (data["tokenType"], data["expiresIn"]) == ("bearer", 900)
    assert set(data["user"]) == {"id", "username", "email", "role", "plan", "createdAt"}
    assert (data["user"]["username"], data["user"]["role"], data["user"]["plan"]) == ("alice", "admin", "pro")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data["user"]["createdAt"])


@pytest.mark.parametrize("username", ["alice", "nobody"])
async def test_a_wrong_password_and_an_unknown_user_are_the_same_401(username: str, anyone: Caller) -> None:
    error = await anyone.error(401, "POST", "/api/v2/auth/login", {"username": username, "password": "no"})
    assert error == {"code": "UNAUTHORIZED", "message": "wrong user name or password", "details": None}


async def test_who_registers_can_log_in(anyone: Caller) -> None:
    user = await anyone.data("POST", "/api/v2/auth/register", DORA, status=201)
    assert (user["username"], user["role"], user["plan"]) == ("dora", "user", "free")
    dora = await anyone.login("dora")
    assert (await dora.data("GET", "/api/v2/auth/me")) == user


async def test_registering_twice_is_a_conflict(anyone: Caller) -> None:
    await anyone.data("POST", "/api/v2/auth/register", DORA, status=201)
    error = await anyone.error(409, "POST", "/api/v2/auth/register", DORA)
    assert (error["code"], error["details"]) == ("CONFLICT", None)


@pytest.mark.parametrize(
    ("field", "value"), [("username", "D!"), ("password", "short"), ("email", "nowhere"), ("email", None)]
)
async def test_registering_with_a_bad_value_names_the_field(field: str, value: object, anyone: Caller) -> None:
    error = await anyone.error(422, "POST", "/api/v2/auth/register", {**DORA, field: value})
    assert error["code"] == "VALIDATION_ERROR"
    assert error["details"] == [{"field": field, "reason": error["message"]}]


async def test_a_refresh_token_is_good_once(anyone: Caller) -> None:
    login = {"username": "bob", "password": "bob-demo"}
    spent = {"refreshToken": (await anyone.data("POST", "/api/v2/auth/login", login))["refreshToken"]}
    fresh = await anyone.data("POST", "/api/v2/auth/refresh", spent)
    assert set(fresh) == {"accessToken", "refreshToken", "tokenType", "expiresIn"}
    assert (await anyone.error(401, "POST", "/api/v2/auth/refresh", spent))["code"] == "UNAUTHORIZED"


async def test_a_refresh_token_opens_nothing_else(anyone: Caller) -> None:
    login = {"username": "bob", "password": "bob-demo"}
    token = (await anyone.data("POST", "/api/v2/auth/login", login))["refreshToken"]
    await anyone.with_token(token).error(401, "GET", "/api/v2/auth/me")


async def test_logging_out_voids_the_refresh_token(anyone: Caller) -> None:
    login = await anyone.data("POST", "/api/v2/auth/login", {"username": "bob", "password": "bob-demo"})
    given = {"refreshToken": login["refreshToken"]}
    bob = anyone.with_token(login["accessToken"])
    assert await bob.data("POST", "/api/v2/auth/logout", given) is None
    await anyone.error(401, "POST", "/api/v2/auth/refresh", given)


async def test_logging_out_needs_no_body_but_a_token(bob: Caller, anyone: Caller) -> None:
    assert await bob.data("POST", "/api/v2/auth/logout") is None
    await anyone.error(401, "POST", "/api/v2/auth/logout")


async def test_a_password_is_changed_by_who_knows_it(bob: Caller) -> None:
    change = {"currentPassword": "bob-demo", "newPassword": "bob-other"}
    assert await bob.data("POST", "/api/v2/auth/change-password", change) is None
    await bob.data("POST", "/api/v2/auth/login", {"username": "bob", "password": "bob-other"})
    error = await bob.error(403, "POST", "/api/v2/auth/change-password", change)
    assert error["code"] == "FORBIDDEN"


async def test_a_new_password_that_is_too_short_is_named_in_v2s_words(bob: Caller) -> None:
    change = {"currentPassword": "bob-demo", "newPassword": "x"}
    error = await bob.error(422, "POST", "/api/v2/auth/change-password", change)
    assert [detail["field"] for detail in error["details"]] == ["newPassword"]


async def test_me_needs_a_token(anyone: Caller) -> None:
    assert (await anyone.error(401, "GET", "/api/v2/auth/me"))["code"] == "UNAUTHORIZED"
