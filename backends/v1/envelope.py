"""v1's outer shapes: an envelope for a success, `{"detail"}` for a failure, and its way to write times."""

from collections.abc import Callable
from typing import assert_never

import orjson
from aiohttp import web

from backends.domain.errors import Fault, FaultKind
from backends.domain.page import Page

JSON = "application/json"


def success(data: object) -> web.Response:
    """A success; v1 knows no status but 200 for it."""
    return _json({"success": True, "data": data, "message": "ok"}, status=200)


def listed[T](page: Page[T], shape: Callable[[T], dict[str, object]]) -> web.Response:
    """One page of a list."""
    return success(
        {
            "items": [shape(item) for item in page.items],
            "total": page.total,
            "page": page.page,
            "page_size": page.page_size,
        }
    )


class Failures:
    """Words v1's failures (`backends.shell.failures.FailureShape`)."""

    def fault(self, request: web.Request, fault: Fault) -> web.Response:
        """The domain's sentence under v1's status."""
        return _refusal(fault.reason, status_of(fault.kind))

    def http(self, request: web.Request, error: web.HTTPException) -> web.Response:
        """Unknown path, wrong method, too large a body; `Allow` stays."""
        allow = error.headers.get("Allow")
        return _refusal(error.reason.lower(), error.status, {} if allow is None else {"Allow": allow})

    def unexpected(self, request: web.Request) -> web.Response:
        """The failure nobody planned."""
        return _refusal("internal error", 500)


def status_of(kind: FaultKind) -> int:
    """v1's status for a fault; a conflict is a plain 400 here."""
    match kind:
        case FaultKind.INVALID:
            return 422
        case FaultKind.UNAUTHORIZED:
            return 401
        case FaultKind.FORBIDDEN:
            return 403
        case FaultKind.NOT_FOUND:
            return 404
        case FaultKind.CONFLICT:
            return 400
        case FaultKind.UNAVAILABLE:
            return 503
        case _:
            assert_never(kind)


def stamp(iso: str) -> str:
    """`2026-11-22T10:00:00.000Z` → `2026-11-22 10:00:00`."""
    return f"{iso[:10]} {iso[11:19]}"


def stamp_or_none(iso: str | None) -> str | None:
    """The same for a time that may not have come yet."""
    return None if iso is None else stamp(iso)


def _refusal(detail: str, status: int, headers: dict[str, str] | None = None) -> web.Response:
    challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return _json({"detail": detail}, status=status, headers=challenge | (headers or {}))


def _json(value: object, *, status: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type=JSON)
