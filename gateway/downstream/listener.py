"""The public listener: accepts connections and hands each request to the proxy as a Client."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from gateway.config.schema import Limits, Tls
from gateway.downstream.answer import Answer
from gateway.downstream.client import Client, ClientGoneError, Reply
from gateway.downstream.fault import RequestError, RequestFault
from gateway.downstream.head import read_head

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Service(Protocol):
    """What serves the requests."""

    async def serve(self, client: Client) -> None:
        """Answer one request."""
        ...

    def turn_away(self, error: RequestError) -> Reply:
        """Return the answer to bytes that are no request."""
        ...


class Listener:
    """Owns the public socket and its connections. It never looks into a request beyond its framing."""

    def __init__(self, service: Service, limits: Limits) -> None:
        self._service = service
        self._limits = limits
        self._server: _Server | None = None
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._is_draining = False

    def __repr__(self) -> str:
        state = "draining" if self._is_draining else "open" if self._site is not None else "closed"
        return f"<Listener {state}>"

    @property
    def port(self) -> int:
        """The port that is listened on, also when port 0 was asked for."""
        return self._site.port if self._site is not None else 0

    async def start(self, host: str, port: int, tls: Tls | None) -> None:
        """Listen; raises OSError when the address is taken."""
        self._server = _Server(self._handle, self._service, self._limits)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=0.1)
        await self._runner.setup()
        context = tls_context(tls) if tls is not None else None
        self._site = web.TCPSite(self._runner, host, port, ssl_context=context)
        await self._site.start()

    def apply(self, limits: Limits) -> None:
        """Hold every later request, and the heads on every later connection, to these limits."""
        self._limits = limits
        if self._server is not None:
            self._server.limits = limits

    async def drain(self) -> None:
        """Accept nothing new; each open connection is closed after the answer it waits for."""
        self._is_draining = True
        if self._site is not None and self._runner is not None and self._site in self._runner.sites:
            await self._site.stop()

    async def close(self) -> None:
        """Close every connection, cutting the exchanges that are still open."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            head = read_head(request, self._limits)
        except RequestError as error:
            return _whole(self._service.turn_away(error))
        client = Client(request, head, self._limits)
        client.is_last = self._is_draining
        try:
            await self._service.serve(client)
        except ClientGoneError:
            client.abort()
        if client.answer is None:
            raise ConnectionResetError("the exchange ended without an answer")
        return client.answer


class _Server(web.Server):
    """aiohttp's low-level server with our own words for what its parser refuses, and a bound on its connections."""

    def __init__(self, handler: Handler, service: Service, limits: Limits) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._service = service
        self.limits = limits

    def __call__(self) -> RequestHandler:
        limits = self.limits
        return _Connection(
            self,
            self._service,
            loop=self._loop,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=limits.keep_alive,
            lingering_time=2.0,
            max_line_size=limits.request_line,
            # One more where both are equal, so that the two faults can be told apart.
            max_field_size=limits.headers + (limits.headers == limits.request_line),
            max_headers=limits.header_count,
        )

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > self.limits.connections:
            transport.abort()


class _Connection(RequestHandler):
    """One connection whose parse errors become problems."""

    def __init__(self, server: web.Server, service: Service, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._service = service

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the problem for bytes that are no request; anything else is ours and cuts the connection."""
        if status >= 500:
            if exc is not None and not isinstance(exc, ConnectionError):
                self.log_exception("exchange failed", exc_info=exc)
            raise ConnectionResetError("the exchange failed")
        return _whole(self._service.turn_away(self._fault(exc)))

    def _fault(self, error: BaseException | None) -> RequestError:
        if isinstance(error, LineTooLong) and error.args[1] == self.max_line_size:
            return RequestError(RequestFault.LINE_TOO_LONG, "The request line is too long.")
        if isinstance(error, LineTooLong) or "Too many headers" in str(error):
            return RequestError(RequestFault.HEADERS_TOO_LARGE, "The header fields are too large or too many.")
        return RequestError(RequestFault.MALFORMED, "This is not a valid HTTP/1.1 request.")


class _Whole(Answer):
    """A complete answer that aiohttp sends itself; the connection ends with it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.fields, len(reply.body))
        self._whole = reply.body
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data if self._must_be_empty_body else self._whole)


def _whole(reply: Reply) -> Answer:
    return _Whole(reply)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the server's TLS context; raises OSError or ssl.SSLError when a file is missing or wrong."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.cert, tls.key)
    return context
