"""Translating messages between the legacy and the successor shape."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from gateway.config.translation import Adapter, BodyMap


class AdaptError(Exception):
    """An answer that the adapter cannot translate; the message names the adapter and what went wrong."""


def adapt_query(adapter: Adapter | None, query: str) -> str:
    """Return the successor's query for a legacy one.

    The expression sees `{name: text}`, or a list of texts where a name is repeated; members that it answers with null
    are left out. Without an expression, or where it cannot take what the client sent, the query goes on untouched.
    """
    transform = adapter.request.query if adapter is not None and adapter.request is not None else None
    if transform is None or not query:
        return query
    members: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        members[name] = value if name not in members else [*_as_list(members[name]), value]
    try:
        adapted = transform(members)
        if not isinstance(adapted, dict):
            return query
        return urlencode({name: value for name, value in adapted.items() if value is not None}, doseq=True)
    except Exception:  # noqa: BLE001 - an expression or a function of the operators' may raise anything
        return query


def wants_request_body(adapter: Adapter | None) -> bool:
    """Return whether the request body must be held to be translated."""
    return adapter is not None and adapter.request is not None and adapter.request.transform is not None


def wants_answer_body(adapter: Adapter | None, status: int) -> bool:
    """Return whether the answer body must be held to be translated."""
    message = _answer_map(adapter, status)
    return message is not None and message.transform is not None


def adapt_status(adapter: Adapter | None, status: int) -> int:
    """Return the status that a legacy client expects where the successor answered this one."""
    message = _answer_map(adapter, status)
    return status if message is None else message.status.get(status, status)


def adapt_request(adapter: Adapter, body: bytes) -> bytes:
    """Return the successor's request body.

    A body that cannot be translated goes on untouched: the successor's own validation then says what is wrong with it.
    """
    transform = adapter.request.transform if adapter.request is not None else None
    if transform is None or not body:
        return body
    try:
        return orjson.dumps(transform(orjson.loads(body)))
    except Exception:  # noqa: BLE001 - an expression or a function of the operators' may raise anything
        return body


def adapt_answer(adapter: Adapter, status: int, body: bytes) -> bytes:
    """Return the legacy answer body for the successor's; a body that is not JSON stays as it is. Raises AdaptError."""
    message = _answer_map(adapter, status)
    if message is None or message.transform is None or not body:
        return body
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return _apply(message.transform, parsed, adapter.name)


def _apply(transform: Callable[[Any], Any], parsed: Any, name: str) -> bytes:
    try:
        return orjson.dumps(transform(parsed))
    except Exception as error:
        raise AdaptError(f"adapter {name} failed on the successor's answer: {error}") from error


def _answer_map(adapter: Adapter | None, status: int) -> BodyMap | None:
    if adapter is None:
        return None
    return adapter.error if status >= 400 else adapter.response


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
