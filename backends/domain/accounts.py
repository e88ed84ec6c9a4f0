"""Users, passwords and tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """One user; `id` equals the user name, which is also the tokens' subject."""

    id: str
    username: str
    email: str
    role: str
    plan: str
    created_at: str


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A fresh access token and the refresh token that goes with it."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"
    expires_in: int = 900


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; `typ` is `access` or `refresh`, `exp` Unix seconds."""

    sub: str
    role: str
    plan: str
    client_id: str
    jti: str
    exp: int
    typ: str


class Accounts:
    async def login(self, username: str, password: str) -> tuple[TokenPair, User]:
        raise NotImplementedError

    async def register(self, username: str, password: str, email: str) -> User:
        raise NotImplementedError

    async def refresh(self, refresh_token: str) -> TokenPair:
        raise NotImplementedError

    async def logout(self, claims: Claims, refresh_token: str | None) -> None:
        raise NotImplementedError

    async def change_password(self, user_id: str, current: str, new: str) -> None:
        raise NotImplementedError

    async def me(self, user_id: str) -> User:
        raise NotImplementedError

    def verify(self, token: str) -> Claims:
        raise NotImplementedError

    def service_token(self, name: str) -> str:
        raise NotImplementedError
