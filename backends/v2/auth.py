"""`/api/v2/auth`: login, register, refresh, logout, change-password, me."""

from types import NoneType

from backends.domain.accounts import Accounts
from backends.domain.errors import FaultKind
from backends.v2.endpoint import Access, AnyEndpoint, Area, Call, Endpoint, NoInput
from backends.v2.shape import Input, Output


class LoginBody(Input):
    """Who wants in."""

    username: str
    password: str


class RegisterBody(Input):
    """Who is new; the rules for the values are the domain's."""

    username: str
    password: str
    email: str


class RefreshBody(Input):
    """The refresh token to spend."""

    refresh_token: str


class LogoutBody(Input):
    """The refresh token to void along with the access token, where the client has one."""

    refresh_token: str | None = None


class PasswordBody(Input):
    """The password as it is, and as it shall be."""

    current_password: str
    new_password: str


class User(Output):
    """A user."""

    id: str
    username: str
    email: str
    role: str
    plan: str
    created_at: str


class Tokens(Output):
    """A fresh pair of tokens; `expiresIn` is the access token's, in seconds."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class Login(Tokens):
    """The tokens of a user who logged in."""

    user: User


def auth_area(accounts: Accounts) -> Area:
    """The endpoints of `/api/v2/auth`."""
    handlers = _Auth(accounts)
    return Area("auth", "Accounts and tokens", (*_entering(handlers), *_inside(handlers)))


def _entering(handlers: "_Auth") -> tuple[AnyEndpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path="/api/v2/auth/login",
            summary="User name and password for tokens",
            reads=LoginBody,
            answers=Login,
            handle=handlers.login,
            access=Access.PUBLIC,
            faults=(FaultKind.UNAUTHORIZED,),
        ),
        Endpoint(
            method="POST",
            path="/api/v2/auth/register",
            summary="A new user",
            reads=RegisterBody,
            answers=User,
            handle=handlers.register,
            status=201,
            access=Access.PUBLIC,
            faults=(FaultKind.CONFLICT,),
        ),
        Endpoint(
            method="POST",
            path="/api/v2/auth/refresh",
            summary="A refresh token, good once, for new tokens",
            reads=RefreshBody,
            answers=Tokens,
            handle=handlers.refresh,
            access=Access.PUBLIC,
            faults=(FaultKind.UNAUTHORIZED,),
        ),
    )


def _inside(handlers: "_Auth") -> tuple[AnyEndpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path="/api/v2/auth/logout",
            summary="Voids the caller's tokens",
            reads=LogoutBody,
            answers=NoneType,
            handle=handlers.logout,
        ),
        Endpoint(
            method="POST",
            path="/api/v2/auth/change-password",
            summary="Another password for the caller",
            reads=PasswordBody,
            answers=NoneType,
            handle=handlers.change_password,
            faults=(FaultKind.FORBIDDEN,),
        ),
        Endpoint(
            method="GET",
            path="/api/v2/auth/me",
            summary="The caller",
            reads=NoInput,
            answers=User,
            handle=handlers.me,
            faults=(FaultKind.NOT_FOUND,),
        ),
    )


class _Auth:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def login(self, call: Call[LoginBody]) -> Login:
        tokens, user = await self._accounts.login(call.input.username, call.input.password)
        return Login(**Tokens.of(tokens).model_dump(), user=User.of(user))

    async def register(self, call: Call[RegisterBody]) -> User:
        given = call.input
        return User.of(await self._accounts.register(given.username, given.password, given.email))

    async def refresh(self, call: Call[RefreshBody]) -> Tokens:
        return Tokens.of(await self._accounts.refresh(call.input.refresh_token))

    async def logout(self, call: Call[LogoutBody]) -> None:
        await self._accounts.logout(call.claims, call.input.refresh_token)

    async def change_password(self, call: Call[PasswordBody]) -> None:
        given = call.input
        await self._accounts.change_password(call.user, given.current_password, given.new_password)

    async def me(self, call: Call[NoInput]) -> User:
        return User.of(await self._accounts.me(call.user))
