"""Handing a connection to aiohttp, which serves the paths that the gateway answers itself.

There a person writes an ordinary handler. The transport changes hands with the request's head, written anew, and never
comes back: the connection ends with that answer, so that no later request can slip past the policy.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.downstream.connection import ClientConnection
from gateway.wire.request import Request

REPLACED: Final = frozenset({"content-length", "transfer-encoding", "expect", "upgrade", "x-request-id"})

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Request(web.BaseRequest):
    """Keeps to itself what aiohttp says about its software and Python's: nobody needs to know their versions."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall("Server", None)


class _Server(web.Server):
    """Knows whose the connections were, and tells them of the end, so that they count until then."""

    def __init__(self, handler: Handler) -> None:
        super().__init__(handler, request_factory=self._made, access_log=None, handler_cancellation=True)
        self._clients: dict[RequestHandler, ClientConnection] = {}

    def take(self, client: ClientConnection) -> RequestHandler:
        """Return who goes on with a client's connection."""
        protocol: RequestHandler = self()
        self._clients[protocol] = client
        return protocol

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        client = self._clients.pop(handler, None)
        if client is not None:
            client.connection_lost(None)

    def _made(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> _Request:
        return _Request(message, payload, protocol, writer, task, self._loop)


class Handoff:
    """Owns the connections that were handed over. It never decides which those are."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: _Server | None = None

    def __repr__(self) -> str:
        return f"<Handoff {len(self._server.connections) if self._server is not None else 0} connections>"

    @property
    def open(self) -> int:
        """How many connections are being served."""
        return len(self._server.connections) if self._server is not None else 0

    def start(self) -> None:
        """Be ready; needs a running loop."""
        self._server = _Server(self._serve)

    async def close(self) -> None:
        """End every connection."""
        if self._server is not None:
            await self._server.shutdown(timeout=0.1)

    def take(self, client: ClientConnection, request: Request, request_id: str) -> None:
        """Take the connection over and let aiohttp answer the request; a body, if there is one, is not read."""
        given = client.hand_off(is_counted=True) if self._server is not None else None
        if given is None or self._server is None:
            return
        transport, _ = given
        protocol = self._server.take(client)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        start = f"{request.method} {request.target} HTTP/1.1\r\nX-Request-Id: {request_id}\r\n"
        kept = "".join([f"{line.name}: {line.value}\r\n" for line in request.lines if line.name not in REPLACED])
        protocol.data_received(f"{start}{kept}\r\n".encode("latin-1"))

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await self._handler(request)
        response.headers["X-Request-Id"] = request.headers.get("X-Request-Id", "")
        response.force_close()
        return response
