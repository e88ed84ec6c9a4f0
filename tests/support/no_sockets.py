"""Stands where a proxy has no WebSockets."""

from collections.abc import Mapping
from typing import Any


class NoSockets:
    """Refuses to be asked: no rules of such a test name a WebSocket."""

    def enter(self, *_: object) -> None:
        raise AssertionError("there is no WebSocket here")

    def info(self) -> Mapping[str, Any]:
        raise AssertionError("there is no WebSocket here")

    def quotes(self) -> Mapping[str, Any]:
        raise AssertionError("there is no WebSocket here")
