"""`/api/rollouts` and `/api/events`: the operators' verbs, who moves by them, and the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from aiohttp import web

from gateway.admin.call import OPERATOR, RefusedError, answer, document, number, reason, unprocessable
from gateway.control.event import Event, Verb
from gateway.control.rollout import VerbError
from gateway.control.store.port import StoreError
from gateway.core.errors import Problem, ProblemType
from gateway.core.http import iso_time

VERBS: Final = (Verb.SET, Verb.PAUSE, Verb.RESUME, Verb.PROMOTE, Verb.ROLLBACK)
MAX_EVENTS: Final = 1_000
DEFAULT_EVENTS: Final = 100
CONFLICT: Final = 409


class Desk(Protocol):
    """Where rollouts are shown and changed. Any call may raise StoreError where it needs the store."""

    def migrations(self) -> Sequence[str]:
        """Return the names of all migrations."""
        ...

    def show(self, migration: str) -> Mapping[str, Any]:
        """Return everything about one rollout."""
        ...

    async def change(self, migration: str, verb: Verb, who: str, why: str, percent: float | None) -> None:
        """Do what the verb says, everywhere; raises VerbError, and ValueError for a bad percent."""
        ...

    async def preview(self, migration: str, percent: float) -> Mapping[str, Any]:
        """Return who moves."""
        ...

    async def history(self, migration: str | None, before: int | None, limit: int) -> Sequence[Event]:
        """Return events, newest first."""
        ...


class Shadows(Protocol):
    """Where comparisons are shown."""

    async def show(self, migration: str) -> Mapping[str, Any]:
        """Return what comparisons of a migration's answers have found; raises StoreError."""
        ...


class RolloutApi:
    """The handlers. Who may call them is decided before; `request[OPERATOR]` is the name of who does."""

    def __init__(self, desk: Desk, shadows: Shadows) -> None:
        self._desk = desk
        self._shadows = shadows

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        verbs = [web.post(f"/api/rollouts/{{migration}}/{verb}", self._change) for verb in VERBS]
        return [
            web.get("/api/rollouts", self._list),
            web.get("/api/rollouts/{migration}", self._show),
            web.get("/api/rollouts/{migration}/preview", self._preview),
            web.get("/api/events", self._events),
            web.get("/api/shadow/{migration}", self._shadow),
            *verbs,
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return answer(200, {"rollouts": [self._desk.show(name) for name in self._desk.migrations()]})

    async def _show(self, request: web.Request) -> web.Response:
        return answer(200, self._desk.show(self._named(request)))

    async def _change(self, request: web.Request) -> web.Response:
        migration, verb = self._named(request), Verb(request.path.rpartition("/")[2])
        who = f"operator:{request[OPERATOR]}"
        try:
            members = {"reason", "percent"} if verb is Verb.SET else {"reason"}
            asked = document(await request.read(), frozenset(members))
            why = reason(asked)
            percent = _percent(asked.get("percent")) if verb is Verb.SET else None
            await self._desk.change(migration, verb, who, why, percent)
        except ValueError as error:
            raise unprocessable(error) from None
        except VerbError as error:
            raise RefusedError(Problem(ProblemType.MALFORMED_REQUEST, str(error), status=CONFLICT)) from None
        except StoreError as error:
            raise unavailable(error) from None
        return answer(200, self._desk.show(migration))

    async def _preview(self, request: web.Request) -> web.Response:
        migration = self._named(request)
        try:
            percent = _percent(_number(request.query.get("percent")))
            return answer(200, await self._desk.preview(migration, percent))
        except ValueError as error:
            raise unprocessable(error) from None
        except StoreError as error:
            raise unavailable(error) from None

    async def _shadow(self, request: web.Request) -> web.Response:
        migration = self._named(request)
        try:
            return answer(200, await self._shadows.show(migration))
        except StoreError as error:
            raise unavailable(error) from None

    async def _events(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            limit = number("limit", query.get("limit"), DEFAULT_EVENTS, MAX_EVENTS)
            before = query.get("before")
            first = number("before", before, 0, 2**53) if before is not None else None
            events = await self._desk.history(query.get("migration") or None, first, limit)
        except ValueError as error:
            raise unprocessable(error) from None
        except StoreError as error:
            raise unavailable(error) from None
        more = events[-1].number if len(events) == limit and events[-1].number > 1 else None
        return answer(200, {"events": [described(event) for event in events], "before": more})

    def _named(self, request: web.Request) -> str:
        migration = request.match_info["migration"]
        known = self._desk.migrations()
        if migration not in known:
            detail = f"There is no migration {migration!a}; there are {', '.join(known) or 'none'}."
            raise RefusedError(Problem(ProblemType.NOT_FOUND, detail))
        return migration


def unavailable(error: StoreError) -> RefusedError:
    """Return the refusal (503) of a call that needs the store while that is away."""
    detail = f"The store does not answer; whether a change was made, the history will tell. Traffic goes on. {error}"
    return RefusedError(Problem(ProblemType.OVERLOADED, detail))


def described(event: Event) -> Mapping[str, Any]:
    """Return an event as the audit log shows it."""
    return {
        "number": event.number,
        "at": iso_time(event.at),
        "migration": event.migration,
        "what": event.verb,
        "who": event.who,
        "why": event.why,
        "from": event.before,
        "to": event.after,
    }


def _number(given: str | None) -> float | None:
    try:
        return float(given) if given is not None else None
    except ValueError:
        raise ValueError(f"percent is not a number: {given!a}") from None


def _percent(given: object) -> float:
    """Check a percent: 0 to 100 with at most three decimals; raises ValueError."""
    if given is None:
        raise ValueError("percent is missing")
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 100:
        raise ValueError("percent must be a number from 0 to 100")
    if round(given, 3) != given:
        raise ValueError("percent has at most three decimals")
    return float(given)
