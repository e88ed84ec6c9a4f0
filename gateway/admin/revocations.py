"""`/api/revocations`: refusing tokens before they expire, and letting them in again."""

import math
import secrets
from collections.abc import Mapping
from typing import Any, Final, Protocol

from aiohttp import web

from gateway.admin.call import OPERATOR, RefusedError, answer, document, reason, text, unprocessable
from gateway.config.schema.scalars import duration
from gateway.core.clock import Clock
from gateway.core.errors import Problem, ProblemType
from gateway.core.http import iso_time
from gateway.policy.decide import parse_moment
from gateway.policy.revocation import Revocation

MEMBERS: Final = frozenset({"jti", "sub", "before", "for", "exp", "reason"})
MAX_KEEP_SECONDS: Final = 366 * 86_400.0
"""A revocation that outlives every token would only fill the list."""
SKEW_SECONDS: Final = 60.0
"""How far another clock may be ahead of ours."""


class Desk(Protocol):
    """Where revocations are taken and listed. `keep` and `leeway` are seconds."""

    keep: float
    leeway: float

    @property
    def state(self) -> str: ...

    def has_room(self) -> bool: ...

    def listed(self) -> list[Revocation]: ...

    async def revoke(self, one: Revocation) -> bool: ...

    async def withdraw(self, number: str, by: str) -> tuple[Revocation, bool] | None: ...


class RevocationApi:
    """The handlers. Who may call them is decided before; `request[OPERATOR]` is the name of who does."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/revocations", self._list),
            web.post("/api/revocations", self._revoke),
            web.delete("/api/revocations/{id}", self._withdraw),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        entries = [_describe(one) for one in self._desk.listed()]
        return answer(200, {"redis": self._desk.state, "revocations": entries})

    async def _revoke(self, request: web.Request) -> web.Response:
        one = self._read(await request.read(), request[OPERATOR])
        if not self._desk.has_room():
            detail = "As many revocations are in force as fit; withdraw some, or wait for some to end."
            raise RefusedError(Problem(ProblemType.OVERLOADED, detail))
        is_shared = await self._desk.revoke(one)
        return answer(201 if is_shared else 202, {**_describe(one), **self._reach(is_shared)})

    async def _withdraw(self, request: web.Request) -> web.Response:
        done = await self._desk.withdraw(request.match_info["id"], request[OPERATOR])
        if done is None:
            raise RefusedError(Problem(ProblemType.NOT_FOUND, "No revocation in force has this id."))
        one, is_shared = done
        return answer(200 if is_shared else 202, {**_describe(one), **self._reach(is_shared)})

    def _reach(self, is_shared: bool) -> Mapping[str, str]:
        """Say who acts on it by now."""
        if self._desk.state == "none":
            return {"reach": "this gateway", "note": "without redis every gateway has a list of its own"}
        if is_shared:
            return {"reach": "every gateway"}
        return {"reach": "this gateway", "note": "Redis cannot be reached; the other gateways learn it when it is back"}

    def _read(self, body: bytes, by: str) -> Revocation:
        """Read a call's body; raises RefusedError (422) with what to write instead."""
        now = self._clock.now()
        try:
            asked = document(body, MEMBERS)
            jti, sub = text(asked, "jti"), text(asked, "sub")
            if (jti is None) == (sub is None):
                raise ValueError("name either jti or sub")
            why = reason(asked)
            before = _before(asked, now) if sub is not None else _no_before(asked)
            until = self._until(asked, now)
        except ValueError as error:
            raise unprocessable(error) from None
        return Revocation(secrets.token_hex(8), until, now, by, why, jti, sub, before)

    def _until(self, asked: Mapping[str, Any], now: float) -> float:
        """Return when the last token that is meant has expired, the leeway included."""
        kept, expires = asked.get("for"), asked.get("exp")
        if kept is not None and expires is not None:
            raise ValueError("write for or exp, not both")
        seconds = self._desk.keep
        if kept is not None:
            try:
                seconds = duration(kept)
            except ValueError as error:
                raise ValueError(f"for {error}") from None
        if expires is not None:
            if isinstance(expires, bool) or not isinstance(expires, int | float) or not math.isfinite(expires):
                raise ValueError("exp is not a number of seconds since 1970")
            seconds = expires - now
        if seconds + self._desk.leeway <= 0 or seconds > MAX_KEEP_SECONDS:
            raise ValueError("it must hold for some time, and for at most 366d")
        return now + seconds + self._desk.leeway


def _before(asked: Mapping[str, Any], now: float) -> float:
    given = text(asked, "before")
    if given is None:
        return now
    try:
        moment = parse_moment(given)
    except ValueError:
        raise ValueError("before must be an ISO 8601 date or time, such as 2027-01-31T09:00Z") from None
    if moment > now + SKEW_SECONDS:
        raise ValueError("before lies ahead, and would refuse tokens that are not issued yet; leave it out for now")
    return moment


def _no_before(asked: Mapping[str, Any]) -> float:
    if asked.get("before") is not None:
        raise ValueError("before goes with sub: a jti names one token")
    return 0.0


def _describe(one: Revocation) -> Mapping[str, Any]:
    kind, value = one.key
    issued = {"before": iso_time(one.before)} if one.sub is not None else {}
    times = {"at": iso_time(one.at), "until": iso_time(one.until)}
    return {"id": one.id, kind: value, **issued, **times, "by": one.by, "reason": one.reason}
