"""`/api/auth`."""

from tests.backends.v1.legacy import Legacy

USER = {"id", "username", "email", "role", "plan", "created_at"}
TOKENS = {"access_token", "refresh_token", "token_type", "expires_in"}

NEWCOMER = {"username": "dave-1", "password": "long enough", "email": "dave@example.com"}


async def test_login_answers_tokens_and_the_user(anyone: Legacy) -> None:
    data = await anyone.data("POST", "/api/auth/login", {"username": "alice", "password": "alice-demo"})
    assert set(data) == TOKENS | {"user"}
    assert (data["token_type"], data["expires_in"]) == ("bearer", 900)
    assert set(data["user"]) == USER
    assert (data["user"]["username"], data["user"]["role"], data["user"]["plan"]) == ("alice", "admin", "pro")


async def test_a_wrong_password_is_401(anyone: Legacy) -> None:
    await anyone.detail(401, "POST", "/api/auth/login", {"username": "alice", "password": "wrong"})


async def test_an_unknown_user_reads_the_same_as_a_wrong_password(anyone: Legacy) -> None:
    wrong = await anyone.detail(401, "POST", "/api/auth/login", {"username": "alice", "password": "wrong"})
    assert await anyone.detail(401, "POST", "/api/auth/login", {"username": "nobody", "password": "wrong"}) == wrong


async def test_login_without_a_password_is_422_and_names_no_field(anyone: Legacy) -> None:
    assert "password" not in await anyone.detail(422, "POST", "/api/auth/login", {"username": "alice"})


async def test_a_registered_user_can_log_in(anyone: Legacy) -> None:
    user = await anyone.data("POST", "/api/auth/register", NEWCOMER)
    assert set(user) == USER
    credentials = {name: NEWCOMER[name] for name in ("username", "password")}
    assert (await anyone.data("POST", "/api/auth/login", credentials))["user"] == user


async def test_a_taken_user_name_is_400(anyone: Legacy) -> None:
    await anyone.detail(400, "POST", "/api/auth/register", {**NEWCOMER, "username": "alice"})


async def test_a_bad_user_name_is_422(anyone: Legacy) -> None:
    await anyone.detail(422, "POST", "/api/auth/register", {**NEWCOMER, "username": "No Spaces"})


async def test_a_refresh_token_is_good_once(anyone: Legacy) -> None:
    first = await anyone.data("POST", "/api/auth/login", {"username": "bob", "password": "bob-demo"})
    spent = {"refresh_token": first["refresh_token"]}
    fresh = await anyone.data("POST", "/api/auth/refresh", spent)
    assert set(fresh) == TOKENS
    await anyone.with_token(fresh["access_token"]).data("GET", "/api/auth/me")
    await anyone.detail(401, "POST", "/api/auth/refresh", spent)


async def test_a_refresh_token_opens_nothing_else(anyone: Legacy) -> None:
    tokens = await anyone.data("POST", "/api/auth/login", {"username": "bob", "password": "bob-demo"})
    await anyone.with_token(tokens["refresh_token"]).detail(401, "GET", "/api/auth/me")


async def test_logout_voids_the_refresh_token(anyone: Legacy) -> None:
    tokens = await anyone.data("POST", "/api/auth/login", {"username": "bob", "password": "bob-demo"})
    spent = {"refresh_token": tokens["refresh_token"]}
    assert await anyone.with_token(tokens["access_token"]).data("POST", "/api/auth/logout", spent) is None
    await anyone.detail(401, "POST", "/api/auth/refresh", spent)


async def test_logout_needs_no_body(bob: Legacy) -> None:
    assert await bob.data("POST", "/api/auth/logout") is None


async def test_logout_without_a_token_is_401(anyone: Legacy) -> None:
    await anyone.detail(401, "POST", "/api/auth/logout")


async def test_a_changed_password_is_the_one_that_counts(anyone: Legacy, bob: Legacy) -> None:
    change = {"old_password": "bob-demo", "new_password": "another one"}
    assert await bob.data("POST", "/api/auth/change-password", change) is None
    await anyone.detail(401, "POST", "/api/auth/login", {"username": "bob", "password": "bob-demo"})
    await anyone.data("POST", "/api/auth/login", {"username": "bob", "password": "another one"})


async def test_a_wrong_current_password_is_403(bob: Legacy) -> None:
    await bob.detail(403, "POST", "/api/auth/change-password", {"old_password": "wrong", "new_password": "another one"})


async def test_me_is_the_caller(bob: Legacy) -> None:
    user = await bob.data("GET", "/api/auth/me")
    assert set(user) == USER
    assert (user["id"], user["role"], user["plan"]) == ("bob", "user", "free")


async def test_me_without_a_token_is_401_with_a_challenge(anyone: Legacy) -> None:
    await anyone.detail(401, "GET", "/api/auth/me")
    assert (await anyone.refused("GET", "/api/auth/me")).headers["WWW-Authenticate"] == "Bearer"


async def test_a_forged_token_is_401(anyone: Legacy) -> None:
    await anyone.with_token("a.b.c").detail(401, "GET", "/api/auth/me")
