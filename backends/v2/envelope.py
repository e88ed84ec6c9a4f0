"""v2's outer shapes: `{"success", "data", "meta"}`, and `{"success", "error", "meta"}` for a failure.

Owns the statuses and codes of failures, and the request's id.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal, assert_never
from uuid import uuid4

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic.alias_generators import to_camel

from backends.domain.clock import iso
from backends.domain.errors import Fault, FaultKind
from backends.shell.inputs import InputFault
from backends.v2.shape import Output

JSON = "application/json"
REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)


class Meta(Output):
    """Which request this answers, and when."""

    request_id: str
    timestamp: str


class Detail(Output):
    """What is wrong with one field of the input."""

    field: str
    reason: str


class Failure(Output):
    """What went wrong."""

    code: str
    message: str
    details: list[Detail] | None


class FailureBody(Output):
    """The answer to a call that failed."""

    success: Literal[False]
    error: Failure
    meta: Meta


@web.middleware
async def name_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives each request the id that its caller chose, if that is 1–128 visible ASCII characters, or a new one."""
    given = request.headers.get(REQUEST_ID_HEADER, "")
    request[REQUEST_ID] = given if is_request_id(given) else uuid4().hex
    return await handler(request)


def is_request_id(text: str) -> bool:
    """Whether a client's id may be kept."""
    return 1 <= len(text) <= 128 and all("!" <= character <= "~" for character in text)


def success(request: web.Request, data: object, *, status: int = 200) -> web.Response:
    """A success with its data, which must be ready for JSON."""
    return _json(request, {"success": True, "data": data, "meta": _meta(request)}, status=status)


def failure(
    request: web.Request,
    status: int,
    code: str,
    message: str,
    *,
    details: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A failure; `details` lists the fields of an invalid input."""
    error = {"code": code, "message": message, "details": details}
    body = {"success": False, "error": error, "meta": _meta(request)}
    return _json(request, body, status=status, headers=headers)


class Failures:
    """Words v2's failures (`backends.shell.failures.FailureShape`)."""

    def fault(self, request: web.Request, fault: Fault) -> web.Response:
        """The domain's sentence under v2's status and code."""
        status, code = status_of(fault.kind)
        challenge = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
        return failure(request, status, code, fault.reason, details=details_of(fault), headers=challenge)

    def http(self, request: web.Request, error: web.HTTPException) -> web.Response:
        """Unknown path, wrong method, too large a body; `Allow` stays."""
        code = HTTPStatus(error.status).name
        allow = error.headers.get("Allow")
        return failure(
            request, error.status, code, error.reason.lower(), headers=None if allow is None else {"Allow": allow}
        )

    def unexpected(self, request: web.Request) -> web.Response:
        """The failure nobody planned."""
        return failure(request, 500, "INTERNAL_ERROR", "internal error")


def status_of(kind: FaultKind) -> tuple[int, str]:
    """v2's status and code for a fault."""
    match kind:
        case FaultKind.INVALID:
            return 422, "VALIDATION_ERROR"
        case FaultKind.UNAUTHORIZED:
            return 401, "UNAUTHORIZED"
        case FaultKind.FORBIDDEN:
            return 403, "FORBIDDEN"
        case FaultKind.NOT_FOUND:
            return 404, "NOT_FOUND"
        case FaultKind.CONFLICT:
            return 409, "CONFLICT"
        case FaultKind.UNAVAILABLE:
            return 503, "SERVICE_UNAVAILABLE"
        case _:
            assert_never(kind)


def details_of(fault: Fault) -> list[dict[str, str]] | None:
    """The fields of an invalid input under the names that the caller used; no other fault has any."""
    if isinstance(fault, InputFault):
        return [{"field": problem.field, "reason": problem.reason} for problem in fault.problems]
    if fault.kind is FaultKind.INVALID:
        return [{"field": public_name(fault.field), "reason": fault.reason}]
    return None


def public_name(field: str | None) -> str:
    """v2's name of one of the domain's fields."""
    return to_camel(field or "")


def _meta(request: web.Request) -> dict[str, str]:
    return {"requestId": request[REQUEST_ID], "timestamp": iso(datetime.now(UTC))}


def _json(
    request: web.Request, value: object, *, status: int, headers: Mapping[str, str] | None = None
) -> web.Response:
    named = {REQUEST_ID_HEADER: request[REQUEST_ID], **(headers or {})}
    return web.Response(body=orjson.dumps(value), status=status, headers=named, content_type=JSON)
