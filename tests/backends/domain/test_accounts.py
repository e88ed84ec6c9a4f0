"""Registration, login, token renewal and passwords."""

import asyncio
from datetime import timedelta

import jwt
import pytest

from backends.domain.accounts import Accounts
from backends.domain.errors import Fault, FaultKind
from backends.domain.tokens import Tokens
from tests.backends.conftest import JWT_SECRET
from tests.backends.domain.conftest import Parts


@pytest.fixture
def accounts(parts: Parts) -> Accounts:
    return Accounts(parts.store, parts.redis, Tokens(JWT_SECRET, parts.clock), parts.passwords, parts.clock)


@pytest.mark.parametrize(
    ("name", "role", "plan"), [("alice", "admin", "pro"), ("bob", "user", "free"), ("carol", "user", "beta")]
)
async def test_the_seeded_users_log_in_with_their_demo_passwords(
    accounts: Accounts, name: str, role: str, plan: str
) -> None:
    pair, user = await accounts.login(name, f"{name}-demo")
    assert (user.id, user.username, user.role, user.plan) == (name, name, role, plan)
    assert (pair.token_type, pair.expires_in) == ("bearer", 900)
    claims = accounts.verify(pair.access_token)
    assert (claims.sub, claims.role, claims.plan, claims.typ) == (name, role, plan, "access")
    assert claims.client_id == f"{name}-app"


async def test_tokens_carry_the_issuer_and_their_lifetimes(accounts: Accounts) -> None:
    pair, _ = await accounts.login("bob", "bob-demo")
    access, refresh = (
        jwt.decode(token, JWT_SECRET, ["HS256"], options={"verify_exp": False, "verify_iat": False}, issuer="tacn")
        for token in (pair.access_token, pair.refresh_token)
    )
    assert access["exp"] - access["iat"] == 15 * 60
    assert refresh["exp"] - refresh["iat"] == 7 * 24 * 3600
    assert access["jti"] != refresh["jti"]


async def test_a_wrong_password_and_an_unknown_user_are_refused_alike(accounts: Accounts) -> None:
    refusals = []
    for name in ("alice", "nobody"):
        with pytest.raises(Fault) as refused:
            await accounts.login(name, "not-the-password")
        refusals.append((refused.value.kind, refused.value.reason))
    assert refusals == [(FaultKind.UNAUTHORIZED, "wrong user name or password")] * 2


async def test_a_registered_user_can_log_in_and_is_stored_without_the_password(
    accounts: Accounts, parts: Parts
) -> None:
    user = await accounts.register("dora-1", "correct horse", "dora@example.com")
    assert (user.role, user.plan, user.email) == ("user", "free", "dora@example.com")
    pair, again = await accounts.login("dora-1", "correct horse")
    assert again == user == await accounts.me("dora-1")
    assert accounts.verify(pair.access_token).client_id == "dora-1"
    stored = await parts.store.get("users", "dora-1") or {}
    assert stored["password_hash"].startswith("$argon2id$")
    assert "correct horse" not in str(stored)


@pytest.mark.parametrize(
    ("username", "password", "email", "field"),
    [
        ("Al", "long-enough", "a@b.cd", "username"),
        ("UPPER", "long-enough", "a@b.cd", "username"),
        ("x" * 33, "long-enough", "a@b.cd", "username"),
        ("dora", "short", "a@b.cd", "password"),
        ("dora", "long-enough", "not an address", "email"),
        ("dora", "long-enough", "a@nodot", "email"),
    ],
)
async def test_registration_refuses_what_breaks_the_rules(
    accounts: Accounts, username: str, password: str, email: str, field: str
) -> None:
    with pytest.raises(Fault) as refused:
        await accounts.register(username, password, email)
    assert (refused.value.kind, refused.value.field) == (FaultKind.INVALID, field)


async def test_a_taken_user_name_is_a_conflict(accounts: Accounts) -> None:
    with pytest.raises(Fault) as refused:
        await accounts.register("alice", "long-enough", "alice@example.org")
    assert refused.value.kind is FaultKind.CONFLICT


async def test_a_refresh_token_is_good_once_even_for_concurrent_calls(accounts: Accounts) -> None:
    pair, _ = await accounts.login("bob", "bob-demo")
    answers = await asyncio.gather(*(accounts.refresh(pair.refresh_token) for _ in range(5)), return_exceptions=True)
    renewed = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(renewed) == 1
    assert all(isinstance(answer, Fault) for answer in answers if answer is not renewed[0])
    await accounts.refresh(renewed[0].refresh_token)


async def test_an_access_token_does_not_refresh(accounts: Accounts) -> None:
    pair, _ = await accounts.login("bob", "bob-demo")
    with pytest.raises(Fault, match="refresh token"):
        await accounts.refresh(pair.access_token)


async def test_logging_out_makes_the_refresh_token_useless(accounts: Accounts) -> None:
    pair, _ = await accounts.login("bob", "bob-demo")
    claims = accounts.verify(pair.access_token)
    await accounts.logout(claims, None)
    await accounts.logout(claims, "not a token")
    await accounts.logout(claims, pair.refresh_token)
    with pytest.raises(Fault, match="used already"):
        await accounts.refresh(pair.refresh_token)


async def test_nobody_logs_someone_else_out(accounts: Accounts) -> None:
    (bobs, _), (carols, _) = await accounts.login("bob", "bob-demo"), await accounts.login("carol", "carol-demo")
    with pytest.raises(Fault) as refused:
        await accounts.logout(accounts.verify(bobs.access_token), carols.refresh_token)
    assert refused.value.kind is FaultKind.FORBIDDEN
    await accounts.refresh(carols.refresh_token)


async def test_a_changed_password_replaces_the_old_one(accounts: Accounts) -> None:
    with pytest.raises(Fault) as refused:
        await accounts.change_password("bob", "wrong", "a-new-password")
    assert refused.value.kind is FaultKind.FORBIDDEN
    await accounts.change_password("bob", "bob-demo", "a-new-password")
    await accounts.login("bob", "a-new-password")
    with pytest.raises(Fault, match="wrong user name or password"):
        await accounts.login("bob", "bob-demo")


async def test_a_token_expires_after_its_lifetime_and_not_before(accounts: Accounts, parts: Parts) -> None:
    pair, _ = await accounts.login("bob", "bob-demo")
    parts.clock.advance(timedelta(minutes=15).total_seconds() - 1)
    accounts.verify(pair.access_token)
    parts.clock.advance(1)
    with pytest.raises(Fault, match="expired"):
        accounts.verify(pair.access_token)


def _forged(**changes: object) -> str:
    claims = {
        "sub": "bob", "role": "admin", "plan": "free", "client_id": "bob", "iss": "tacn",
        "jti": "j", "typ": "access", "iat": 1_790_000_000, "exp": 4_000_000_000,
    }  # fmt: skip
    return jwt.encode({**claims, **changes}, JWT_SECRET, "HS256")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "abc",
        "a.b.c",
        "é.é.é",
        jwt.encode({"sub": "bob"}, "another-secret-of-more-than-32-bytes", "HS256"),
        jwt.encode({"sub": "bob"}, JWT_SECRET, "HS256"),
        jwt.encode({"sub": "bob"}, None, "none"),
        _forged(iss="someone"),
        _forged(exp="4000000000"),
        _forged(role=5),
    ],
)
async def test_a_token_that_is_not_ours_is_refused(accounts: Accounts, token: str) -> None:
    with pytest.raises(Fault) as refused:
        accounts.verify(token)
    assert refused.value.kind is FaultKind.UNAUTHORIZED


async def test_a_service_token_names_the_service(accounts: Accounts) -> None:
    claims = accounts.verify(accounts.service_token("gateway"))
    assert (claims.sub, claims.role, claims.typ) == ("gateway", "service", "access")


async def test_an_unknown_user_has_no_profile(accounts: Accounts) -> None:
    with pytest.raises(Fault) as refused:
        await accounts.me("nobody")
    assert refused.value.kind is FaultKind.NOT_FOUND
