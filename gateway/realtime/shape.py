"""A message in both contracts' shapes: what v1's streams say, and what v2's pushes say.

A family's own adapter comes first; without one the platform's shapes are translated as they are known here. Members
that the other side does not send are left out.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from gateway.config.translation import Adapter

log = logging.getLogger(__name__)

TO_LEGACY_NAMES: Final = {
    "code": "stock_code", "symbol": "stock_code", "name": "stock_name", "changePercent": "change_percent",
    "taskId": "task_id", "currentStep": "current_step", "createdAt": "created_at", "timestamp": "time",
    "analysisType": "analysis_type",
}  # fmt: skip
TO_SUCCESSOR_NAMES: Final = {
    "stock_code": "symbol", "stock_name": "name", "change_percent": "changePercent", "task_id": "taskId",
    "current_step": "currentStep", "created_at": "createdAt", "analysis_type": "analysisType",
}  # fmt: skip
TO_LEGACY_STATUS: Final = {"pending": "queued", "running": "processing"}
TO_SUCCESSOR_STATUS: Final = {"queued": "pending", "processing": "running"}
LEGACY_EVENTS: Final = {
    "quote": "quote_update",
    "progress": "analysis_progress",
    "complete": "analysis_complete",
    "failed": "analysis_failed",
}
"""v1's events by what v2 calls them."""
ANSWER_NAMES: Final = {"code": "symbol", "timestamp": "time"}
TIMES: Final = frozenset({"createdAt", "updatedAt", "timestamp"})
LEGACY_TIMES: Final = frozenset({"created_at", "updated_at"})
HIDDEN: Final = frozenset({"user"})
"""Whose a notification is says v2 to services only."""


def to_legacy(data: Any) -> Any:
    """Return v2's data as v1 writes it."""
    if not isinstance(data, dict):
        return data
    found = {}
    for name, value in data.items():
        if name in HIDDEN:
            continue
        found[TO_LEGACY_NAMES.get(name, name)] = _legacy_value(name, value)
    return found


def to_successor(data: Any) -> Any:
    """Return v1's data as v2 writes it."""
    if not isinstance(data, dict):
        return data
    return {TO_SUCCESSOR_NAMES.get(name, name): _successor_value(name, value) for name, value in data.items()}


def to_answer(data: Any) -> Any:
    """Return a push's data as v2's own answer to a GET has it: what it is about is a symbol, times are ISO 8601."""
    if not isinstance(data, dict):
        return data
    found = {ANSWER_NAMES.get(name, name): value for name, value in data.items()}
    if isinstance(found.get("time"), int | float):
        found["time"] = datetime.fromtimestamp(found["time"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if isinstance(found.get("price"), int | float) and isinstance(found.get("change"), int | float):
        found.setdefault("prevClose", round(found["price"] - found["change"], 4))
    return found


def legacy_shape(adapter: Adapter | None) -> Callable[[str, Any], Any]:
    """Return who makes v1's data: the adapter's answer map, else what is known of the platform.

    A message that the adapter cannot take goes out as it came: a hole in a stream would be worse.
    """
    transform = adapter.response.transform if adapter is not None and adapter.response is not None else None
    return _guarded(adapter, transform or to_legacy)


def successor_shape(adapter: Adapter | None) -> Callable[[str, Any], Any]:
    """Return who makes v2's data of v1's: the adapter's request map, else what is known of the platform."""
    transform = adapter.request.transform if adapter is not None and adapter.request is not None else None
    return _guarded(adapter, transform or to_successor)


def _guarded(adapter: Adapter | None, transform: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    def shape(kind: str, data: Any) -> Any:
        try:
            return transform(data)
        except Exception as error:  # noqa: BLE001 - an expression or a function of the operators' may raise anything
            log.warning("the adapter %s cannot translate %s: %s", adapter.name if adapter else "", kind, error)
            return data

    return shape


def _legacy_value(name: str, value: Any) -> Any:
    if name == "status":
        return TO_LEGACY_STATUS.get(value, value)
    if name in TIMES:
        return _stamp(value)
    return to_legacy(value) if isinstance(value, Mapping) else value


def _successor_value(name: str, value: Any) -> Any:
    if name == "status":
        return TO_SUCCESSOR_STATUS.get(value, value)
    if name in LEGACY_TIMES and isinstance(value, str):
        return value.replace(" ", "T") + ".000Z"
    return to_successor(value) if isinstance(value, Mapping) else value


def _stamp(value: Any) -> Any:
    """`2026-11-22 10:00:00`, of milliseconds or of ISO 8601."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str) and len(value) >= 19:
        return f"{value[:10]} {value[11:19]}"
    return value
