"""`/api/revocations`: refusing tokens before they expire, and letting them in again."""

import math
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from gateway.config.schema.scalars import duration
from gateway.core.clock import Clock
from gateway.core.errors import Problem, ProblemType
from gateway.policy.decide import parse_moment
from gateway.policy.revocation import Revocation

OPERATOR: Final = web.RequestKey("operator", str)
MEMBERS: Final = frozenset({"jti", "sub", "before", "for", "exp", "reason"})
MAX_TEXT: Final = 1024
MAX_KEEP_SECONDS: Final = 366 * 86_400.0
"""A revocation that outlives every token would only fill the list."""
SKEW_SECONDS: Final = 60.0
"""How far another clock may be ahead of ours."""


class RefusedError(Exception):
    """A call that cannot be served, with what the caller is told."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


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
        return _json(200, {"redis": self._desk.state, "revocations": entries})

    async def _revoke(self, request: web.Request) -> web.Response:
        one = self._read(await request.read(), request[OPERATOR])
        if not self._desk.has_room():
            detail = "As many revocations are in force as fit; withdraw some, or wait for some to end."
            raise RefusedError(Problem(ProblemType.OVERLOADED, detail))
        is_shared = await self._desk.revoke(one)
        return _json(201 if is_shared else 202, {**_describe(one), **self._reach(is_shared)})

    async def _withdraw(self, request: web.Request) -> web.Response:
        done = await self._desk.withdraw(request.match_info["id"], request[OPERATOR])
        if done is None:
            raise RefusedError(Problem(ProblemType.NOT_FOUND, "No revocation in force has this id."))
        one, is_shared = done
        return _json(200 if is_shared else 202, {**_describe(one), **self._reach(is_shared)})

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
            asked = _document(body)
            jti, sub = _text(asked, "jti"), _text(asked, "sub")
            if (jti is None) == (sub is None):
                raise ValueError("name either jti or sub")
            reason = _text(asked, "reason")
            if reason is None:
                raise ValueError("reason is missing: say why, for the log")
            before = _before(asked, now) if sub is not None else _no_before(asked)
            until = self._until(asked, now)
        except ValueError as error:
            problem = Problem(ProblemType.MALFORMED_REQUEST, f"{str(error)[:1].upper()}{str(error)[1:]}.", status=422)
            raise RefusedError(problem) from None
        return Revocation(secrets.token_hex(8), until, now, by, reason, jti, sub, before)

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


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise ValueError("the body is not a JSON object")
    unknown = sorted(asked.keys() - MEMBERS)
    if unknown:
        raise ValueError(f"there is no member {unknown[0]!a}; known are {', '.join(sorted(MEMBERS))}")
    return asked


def _text(asked: Mapping[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT or not value.isprintable():
        raise ValueError(f"{name} must be a text of 1 to {MAX_TEXT} printable characters")
    return value


def _before(asked: Mapping[str, Any], now: float) -> float:
    text = _text(asked, "before")
    if text is None:
        return now
    try:
        moment = parse_moment(text)
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
    issued = {"before": _iso(one.before)} if one.sub is not None else {}
    times = {"at": _iso(one.at), "until": _iso(one.until)}
    return {"id": one.id, kind: value, **issued, **times, "by": one.by, "reason": one.reason}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _json(status: int, document: Mapping[str, Any]) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, body=orjson.dumps(document), headers=headers)
