"""The gateway's own public paths: `/health`, `/.well-known/api-migrations`, and what the WebSocket tells of itself."""

from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from aiohttp import web

from gateway.config import own_path
from gateway.config.snapshot import Snapshot
from gateway.core.block import fields
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.proxy.outline import Outlines


class State(Protocol):
    """Whether the gateway still takes traffic."""

    @property
    def is_draining(self) -> bool: ...


class Sockets(Protocol):
    """What is known of the WebSockets."""

    def info(self) -> Mapping[str, Any]:
        """Describe them."""

    def quotes(self) -> Mapping[str, Any]:
        """Count the subscriptions to quotes."""


class LocalPaths:
    """The handler of the gateway's own public paths. It never sees a request that the policy did not send here."""

    def __init__(self, snapshot: Cell[Snapshot], clock: Clock, state: State, sockets: Sockets) -> None:
        self._sockets = sockets
        self._snapshot = snapshot
        self._clock = clock
        self._state = state
        self._outlines = Outlines()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        snapshot = self._snapshot.value
        answer = self._answer(snapshot.own_paths.get(request.path), request, snapshot)
        if snapshot.cors is not None:
            answer.headers.extend(fields(snapshot.cors.answer(request.headers.get("Origin"))))
        return answer

    def _answer(self, name: str | None, request: web.BaseRequest, snapshot: Snapshot) -> web.Response:
        match name:
            case "health":
                return self._health()
            case own_path.SOCKET_INFO:
                return _json(self._sockets.info())
            case own_path.SOCKET_QUOTES:
                return _json(self._sockets.quotes())
        return self._migrations(request, snapshot)

    def _health(self) -> web.Response:
        """200 while serving and 503 while draining, so that a load balancer stops sending before we stop taking."""
        status, body = (503, b'{"status":"draining"}') if self._state.is_draining else (200, b'{"status":"ok"}')
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return web.Response(status=status, body=body, headers=headers)

    def _migrations(self, request: web.BaseRequest, snapshot: Snapshot) -> web.Response:
        """Caches may keep it until a phase changes, and ask whether theirs is still good (RFC 9110 section 13.1.2)."""
        now = self._clock.now()
        found = self._outlines.find(snapshot, now)
        kept = f"public, max-age={found.max_age(now)}, must-revalidate"
        headers = {"Cache-Control": kept, "ETag": found.etag}
        if _is_known(request.headers.get("If-None-Match", ""), found.etag):
            return web.Response(status=304, headers=headers)
        return web.Response(body=found.body, headers={**headers, "Content-Type": "application/json"})


def _is_known(condition: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in condition.split(",")}
    return etag in tags or "*" in tags


def _json(document: Mapping[str, Any]) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(body=orjson.dumps(document), headers=headers)
