"""Users and what they prove with: registration, login, token renewal, passwords."""

import logging
from dataclasses import dataclass

from pydantic import TypeAdapter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from backends.domain.clock import Clock, iso
from backends.domain.errors import Fault, FaultKind
from backends.domain.passwords import Passwords
from backends.domain.rules import Email, Password, Username, checked
from backends.domain.store import Document, Store
from backends.domain.tokens import Claims, TokenPair, Tokens

__all__ = ["Accounts", "Claims", "TokenPair", "User"]

logger = logging.getLogger(__name__)

USERS = "users"
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)
_PASSWORD: TypeAdapter[str] = TypeAdapter(Password)
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


@dataclass(frozen=True, slots=True)
class User:
    """One user; `id` equals the user name, which is also the tokens' subject."""

    id: str
    username: str
    email: str
    role: str
    plan: str
    created_at: str


class Accounts:
    """The users' door. Keeps hashes, never passwords; used refresh tokens are remembered in Redis until they expire."""

    def __init__(self, store: Store, redis: Redis, tokens: Tokens, passwords: Passwords, clock: Clock) -> None:
        self._store = store
        self._redis = redis
        self._tokens = tokens
        self._passwords = passwords
        self._clock = clock

    async def login(self, username: str, password: str) -> tuple[TokenPair, User]:
        """Tokens for the right password; which of name and password was wrong is not said."""
        document = await self._store.get(USERS, username)
        stored = document["password_hash"] if document else None
        is_right = await self._passwords.is_right(stored, password)
        if document is None or not is_right:
            raise Fault(FaultKind.UNAUTHORIZED, "wrong user name or password")
        return self._pair(document), _user(document)

    async def register(self, username: str, password: str, email: str) -> User:
        """A new user with role `user` and plan `free`."""
        document = {
            "_id": checked(_USERNAME, username, "username"),
            "email": checked(_EMAIL, email, "email"),
            "role": "user",
            "plan": "free",
            "client_id": username,
            "password_hash": await self._passwords.hash(checked(_PASSWORD, password, "password")),
            "created_at": iso(self._clock.now()),
        }
        if not await self._store.insert(USERS, document):
            raise Fault(FaultKind.CONFLICT, "this user exists already", "username")
        return _user(document)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """New tokens for a refresh token, which is good once. Role and plan are read afresh."""
        claims = self.verify(refresh_token)
        if claims.typ != "refresh":
            raise Fault(FaultKind.UNAUTHORIZED, "a refresh token is required", "refresh_token")
        document = await self._store.get(USERS, claims.sub)
        if document is None or not await self._spend(claims):
            raise Fault(FaultKind.UNAUTHORIZED, "the refresh token was used already", "refresh_token")
        return self._pair(document)

    async def logout(self, claims: Claims, refresh_token: str | None) -> None:
        """Makes the caller's refresh token useless; one that is not valid any more already is."""
        if refresh_token is None:
            return
        try:
            spent = self.verify(refresh_token)
        except Fault:
            return
        if spent.sub != claims.sub:
            raise Fault(FaultKind.FORBIDDEN, "this refresh token belongs to someone else", "refresh_token")
        await self._spend(spent)

    async def change_password(self, user_id: str, current: str, new: str) -> None:
        """Sets a new password for who knows the current one."""
        document = await self._existing(user_id)
        wanted = checked(_PASSWORD, new, "new_password")
        if not await self._passwords.is_right(document["password_hash"], current):
            raise Fault(FaultKind.FORBIDDEN, "the current password is wrong", "current_password")
        expected = {"_id": user_id, "password_hash": document["password_hash"]}
        if await self._store.update(USERS, expected, {"password_hash": await self._passwords.hash(wanted)}) is None:
            raise Fault(FaultKind.CONFLICT, "the password was changed meanwhile", "new_password")

    async def me(self, user_id: str) -> User:
        """The user of that id."""
        return _user(await self._existing(user_id))

    def verify(self, token: str) -> Claims:
        """The claims of a genuine, unexpired token of either type; raises `Fault` UNAUTHORIZED."""
        return self._tokens.verify(token)

    def service_token(self, name: str) -> str:
        """An access token with role `service`, which may act for users on v2's WebSocket."""
        return self._tokens.service(name)

    async def _existing(self, user_id: str) -> Document:
        document = await self._store.get(USERS, user_id)
        if document is None:
            raise Fault(FaultKind.NOT_FOUND, "this user does not exist")
        return document

    async def _spend(self, claims: Claims) -> bool:
        """True for the first to use the token. Without Redis it raises: a token used twice would be worse."""
        name = f"refresh:{claims.jti}"
        try:
            return bool(await self._redis.set(name, "used", nx=True, ex=self._tokens.seconds_left(claims)))
        except (RedisError, OSError) as error:
            logger.warning("cannot check a refresh token without redis: %s", error)
            raise Fault(FaultKind.UNAVAILABLE, "refresh tokens cannot be checked at the moment") from None

    def _pair(self, document: Document) -> TokenPair:
        return self._tokens.pair(
            sub=document["_id"], role=document["role"], plan=document["plan"], client_id=document["client_id"]
        )


def _user(document: Document) -> User:
    return User(
        id=document["_id"],
        username=document["_id"],
        email=document["email"],
        role=document["role"],
        plan=document["plan"],
        created_at=document["created_at"],
    )
