"""`/api/extensions` and `/api/brownouts`: putting the end off for one consumer, or a rehearsal of it for all."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from aiohttp import web

from gateway.admin.call import OPERATOR, RefusedError, answer, document, reason, text, unprocessable
from gateway.admin.rollouts import unavailable
from gateway.control.ending import Extension, UnfitError, UnknownError, Window
from gateway.control.store.port import StoreError
from gateway.core.errors import Problem, ProblemType
from gateway.core.http import iso_time
from gateway.policy.decide import parse_moment

CONFLICT: Final = 409
UNSAID: Final = "no reason given"

type Handler = Callable[[web.Request], Awaitable[web.Response]]


class Ending(Protocol):
    """Where the end is put off. Changes may raise StoreError, UnknownError and UnfitError."""

    def extensions(self) -> Sequence[Extension]:
        """Return those in force."""
        ...

    def brownouts(self) -> Sequence[Window]:
        """Return those that are not over."""
        ...

    async def extend(self, migration: str, consumer: str, until: float, who: str, why: str) -> str | None:
        """Grant a later end; return what it does not do, if anything; raises ValueError."""
        ...

    async def withdraw(self, number: str, who: str, why: str) -> Extension:
        """Take one back."""
        ...

    async def cancel(self, migration: str, start: float, who: str, why: str) -> Window:
        """Have a brownout not take place."""
        ...

    async def restore(self, migration: str, start: float, who: str, why: str) -> Window:
        """Have it take place after all."""
        ...


class EndingApi:
    """The handlers. Who may call them is decided before; `request[OPERATOR]` is the name of who does."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/extensions", self._extensions),
            web.post("/api/extensions", _answering(self._extend)),
            web.delete("/api/extensions/{id}", _answering(self._withdraw)),
            web.get("/api/brownouts", self._brownouts),
            web.post("/api/brownouts/cancel", _answering(self._cancel)),
            web.post("/api/brownouts/restore", _answering(self._restore)),
        ]

    async def _extensions(self, _request: web.Request) -> web.Response:
        return answer(200, {"extensions": [_extension(one) for one in self._ending.extensions()]})

    async def _brownouts(self, _request: web.Request) -> web.Response:
        return answer(200, {"brownouts": [_window(one) for one in self._ending.brownouts()]})

    async def _extend(self, request: web.Request) -> web.Response:
        asked = document(await request.read(), frozenset({"migration", "consumer", "until", "reason"}))
        migration, consumer = _filled(asked, "migration"), _filled(asked, "consumer")
        until, why = _moment(asked, "until"), reason(asked)
        note = await self._ending.extend(migration, consumer, until, _who(request), why)
        granted = next(
            one for one in self._ending.extensions() if (one.migration, one.consumer) == (migration, consumer)
        )
        return answer(201, {**_extension(granted), **({"note": note} if note is not None else {})})

    async def _withdraw(self, request: web.Request) -> web.Response:
        body = await request.read()
        why = text(document(body, frozenset({"reason"})), "reason") if body else None
        withdrawn = await self._ending.withdraw(request.match_info["id"], _who(request), why or UNSAID)
        return answer(200, _extension(withdrawn))

    async def _cancel(self, request: web.Request) -> web.Response:
        migration, at, why = await _brownout(request)
        return answer(200, _window(await self._ending.cancel(migration, at, _who(request), why)))

    async def _restore(self, request: web.Request) -> web.Response:
        migration, at, why = await _brownout(request)
        return answer(200, _window(await self._ending.restore(migration, at, _who(request), why)))


def _answering(handler: Handler) -> Handler:
    """Tell the caller why a change was not made."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except ValueError as error:
            raise unprocessable(error) from None
        except UnknownError as error:
            raise RefusedError(Problem(ProblemType.NOT_FOUND, str(error.args[0]))) from None
        except UnfitError as error:
            raise RefusedError(Problem(ProblemType.MALFORMED_REQUEST, str(error), status=CONFLICT)) from None
        except StoreError as error:
            raise unavailable(error) from None

    return handle


async def _brownout(request: web.Request) -> tuple[str, float, str]:
    asked = document(await request.read(), frozenset({"migration", "at", "reason"}))
    return _filled(asked, "migration"), _moment(asked, "at"), reason(asked)


def _who(request: web.Request) -> str:
    return f"operator:{request[OPERATOR]}"


def _filled(asked: Mapping[str, Any], name: str) -> str:
    found = text(asked, name)
    if found is None:
        raise ValueError(f"{name} is missing")
    return found


def _moment(asked: Mapping[str, Any], name: str) -> float:
    try:
        return parse_moment(_filled(asked, name))
    except ValueError:
        raise ValueError(f"{name} must be an ISO 8601 date or time, such as 2027-02-14") from None


def _extension(one: Extension) -> Mapping[str, Any]:
    return {
        "id": one.id,
        "migration": one.migration,
        "consumer": one.consumer,
        "until": iso_time(one.until),
        "who": one.who,
        "why": one.why,
        "at": iso_time(one.at) if one.at is not None else None,
    }


def _window(one: Window) -> Mapping[str, Any]:
    return {
        "migration": one.migration,
        "at": iso_time(one.start),
        "until": iso_time(one.end),
        "cancelled": one.is_cancelled,
    }
