"""`/api/auth`: login, register, refresh, logout, change-password, me."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.accounts import Accounts, TokenPair, User
from backends.shell.bearer import CLAIMS
from backends.shell.inputs import body
from backends.v1.access import caller
from backends.v1.envelope import stamp, success


class LoginBody(BaseModel):
    """Who wants in."""

    username: str
    password: str


class RegisterBody(LoginBody):
    """Who is new; the rules for the values are the domain's."""

    email: str


class RefreshBody(BaseModel):
    """The refresh token to spend."""

    refresh_token: str


class LogoutBody(BaseModel):
    """The refresh token to void along with the access token, where the client has one."""

    refresh_token: str | None = None


class PasswordBody(BaseModel):
    """The password as it is, and as it shall be."""

    old_password: str
    new_password: str


class AuthArea:
    """The handlers of `/api/auth`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.post("/api/auth/login", self.login),
            web.post("/api/auth/register", self.register),
            web.post("/api/auth/refresh", self.refresh),
            web.post("/api/auth/logout", self.logout),
            web.post("/api/auth/change-password", self.change_password),
            web.get("/api/auth/me", self.me),
        ]

    async def login(self, request: web.Request) -> web.Response:
        """User name and password for tokens."""
        given = await body(request, LoginBody)
        tokens, user = await self._accounts.login(given.username, given.password)
        return success({**tokens_shape(tokens), "user": user_shape(user)})

    async def register(self, request: web.Request) -> web.Response:
        """A new user."""
        given = await body(request, RegisterBody)
        return success(user_shape(await self._accounts.register(given.username, given.password, given.email)))

    async def refresh(self, request: web.Request) -> web.Response:
        """A refresh token, once, for new tokens."""
        given = await body(request, RefreshBody)
        return success(tokens_shape(await self._accounts.refresh(given.refresh_token)))

    async def logout(self, request: web.Request) -> web.Response:
        """Voids the caller's tokens."""
        given = await body(request, LogoutBody)
        await self._accounts.logout(request[CLAIMS], given.refresh_token)
        return success(None)

    async def change_password(self, request: web.Request) -> web.Response:
        """Another password for the caller."""
        given = await body(request, PasswordBody)
        await self._accounts.change_password(caller(request), given.old_password, given.new_password)
        return success(None)

    async def me(self, request: web.Request) -> web.Response:
        """The caller."""
        return success(user_shape(await self._accounts.me(caller(request))))


def user_shape(user: User) -> dict[str, object]:
    """v1's user."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "role": user.role,
        "plan": user.plan,
        "created_at": stamp(user.created_at),
    }


def tokens_shape(tokens: TokenPair) -> dict[str, object]:
    """v1's tokens."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": tokens.token_type,
        "expires_in": tokens.expires_in,
    }
