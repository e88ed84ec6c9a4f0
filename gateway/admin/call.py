"""What the handlers of the admin API have in common: reading a call's body, answering, refusing."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from gateway.core.errors import Problem, ProblemType

OPERATOR: Final = web.RequestKey("operator", str)
"""The name of the token that a call was made with."""
MAX_TEXT: Final = 1024


class RefusedError(Exception):
    """A call that cannot be served, with what the caller is told."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def unprocessable(error: ValueError) -> RefusedError:
    """Return the refusal (422) of a call whose values are no good; the error's text says what to write instead."""
    said = str(error)
    return RefusedError(Problem(ProblemType.MALFORMED_REQUEST, f"{said[:1].upper()}{said[1:]}.", status=422))


def document(body: bytes, members: frozenset[str]) -> Mapping[str, Any]:
    """Parse a body that is a JSON object with no other members; raises ValueError."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise ValueError("the body is not a JSON object")
    unknown = sorted(asked.keys() - members)
    if unknown:
        raise ValueError(f"there is no member {unknown[0]!a}; known are {', '.join(sorted(members))}")
    return asked


def text(asked: Mapping[str, Any], name: str) -> str | None:
    """Return a member's text, None where it is left out; raises ValueError."""
    value = asked.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT or not value.isprintable():
        raise ValueError(f"{name} must be a text of 1 to {MAX_TEXT} printable characters")
    return value


def reason(asked: Mapping[str, Any]) -> str:
    """Return why; raises ValueError."""
    found = text(asked, "reason")
    if found is None:
        raise ValueError("reason is missing: say why, for the log")
    return found


def number(name: str, given: str | None, default: int, most: int) -> int:
    """Read a whole number of a query, 1 to `most`; raises ValueError."""
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:20]) <= most:
        raise ValueError(f"{name} must be a whole number from 1 to {most}")
    return int(given)


def answer(status: int, body: Mapping[str, Any]) -> web.Response:
    """Return a JSON answer that nobody keeps."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)
