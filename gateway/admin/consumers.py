"""`/api/consumers` and `/api/forecast`: who still calls the legacy contract, and whom the next dates will hit."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from gateway.admin.call import RefusedError, answer, number, unprocessable
from gateway.admin.rollouts import unavailable
from gateway.config.schema.scalars import duration
from gateway.control.audience import Client
from gateway.control.outlook import SHOWN, Turn
from gateway.control.store.port import StoreError
from gateway.core.errors import Problem, ProblemType
from gateway.policy.decide import parse_moment

DEFAULT_SINCE: Final = "30d"
DEFAULT_LIMIT: Final = 1_000
MOST: Final = 10**9
TIMES: Final = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
PART: Final = 500
"""So many consumers are written at once."""


class Audience(Protocol):
    """Who is asked. Any call may raise StoreError."""

    def migrations(self) -> Sequence[str]:
        """Return the names of all migrations."""
        ...

    async def clients(self, migration: str | None, since: float, limit: int) -> tuple[int, Sequence[Client]]:
        """Return how many consumers called in the last seconds, and so many of them, most legacy calls first."""
        ...

    async def outlook(self, migration: str | None, at: float | None) -> Sequence[Turn]:
        """Return every coming change, or what will have changed by a moment."""
        ...


class ConsumerApi:
    """The handlers. Who may call them is decided before."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/consumers", self._consumers), web.get("/api/forecast", self._forecast)]

    async def _consumers(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            migration = self._named(query.get("migration"))
            since = _since(query.get("since") or DEFAULT_SINCE)
            limit = number("limit", query.get("limit"), DEFAULT_LIMIT, MOST)
            known, found = await self._audience.clients(migration, since, limit)
        except ValueError as error:
            raise unprocessable(error) from None
        except StoreError as error:
            raise unavailable(error) from None
        # A hundred thousand of them are tens of megabytes: not on the loop, and not all as objects at once.
        body = await asyncio.to_thread(consumers_body, known, found, since)
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return web.Response(body=body, headers=headers)

    async def _forecast(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            migration = self._named(query.get("migration"))
            at = _moment(query["at"]) if query.get("at") else None
            limit = number("limit", query.get("limit"), SHOWN, MOST)
            turns = await self._audience.outlook(migration, at)
        except ValueError as error:
            raise unprocessable(error) from None
        except StoreError as error:
            raise unavailable(error) from None
        return answer(200, {"changes": [turn.document(limit) for turn in turns]})

    def _named(self, migration: str | None) -> str | None:
        known = self._audience.migrations()
        if migration and migration not in known:
            detail = f"There is no migration {migration!a}; there are {', '.join(known) or 'none'}."
            raise RefusedError(Problem(ProblemType.NOT_FOUND, detail))
        return migration or None


def consumers_body(known: int, clients: Sequence[Client], since: float) -> bytes:
    """Return the answer: these consumers, and how many there are."""
    head = orjson.dumps({"since_seconds": round(since), "consumers_known": known})
    parts = b",".join(_parts(clients))
    return b'%b,"consumers":[%b]}' % (head[:-1], parts)


def _parts(clients: Sequence[Client]) -> Iterator[bytes]:
    for begin in range(0, len(clients), PART):
        yield orjson.dumps([described(client) for client in clients[begin : begin + PART]], option=TIMES)[1:-1]


def described(client: Client) -> Mapping[str, Any]:
    """Return a consumer as it is shown; times are left to orjson, which is quicker with a hundred thousand of them."""
    total, trend, served = client.total, client.trend, client.served
    return {
        "migration": total.migration,
        "consumer": total.consumer,
        "legacy": total.legacy,
        "successor": total.successor,
        "refused": total.refused,
        "legacy_failures": total.legacy_failures,
        "successor_failures": total.successor_failures,
        "served_by_successor": round(served, 4) if served is not None else None,
        "trend": {"course": trend.course, "before": round(trend.before, 1), "recent": round(trend.recent, 1)},
        "first": datetime.fromtimestamp(total.first, UTC),
        "last": datetime.fromtimestamp(total.last, UTC),
        "endpoints": total.endpoints if isinstance(total.endpoints, dict) else dict(total.endpoints),
    }


def _since(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise ValueError(f"since {error}") from None


def _moment(text: str) -> float:
    try:
        return parse_moment(text)
    except ValueError:
        raise ValueError("at must be an ISO 8601 date or time, such as 2027-01-30") from None
