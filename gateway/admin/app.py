"""The admin listener's application: probes, metrics, the status, and what operators change."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from aiohttp import web

from gateway.admin.access import identify
from gateway.admin.call import OPERATOR, RefusedError, answer
from gateway.config.schema import AdminToken
from gateway.core.errors import MEDIA_TYPE, Problem, ProblemType
from gateway.proxy.mark import RequestIds

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPEN_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
MAX_BODY_BYTES: Final = 64 << 10
READING: Final = frozenset({"GET", "HEAD"})
"""All that a viewer may do."""

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Panel(Protocol):
    """What the admin listener shows; the running gateway is one."""

    @property
    def state(self) -> str:
        """What it is about; traffic should be sent here while that is `ready`."""
        ...

    def admin_tokens(self) -> tuple[AdminToken, ...]:
        """Return the tokens that are good now."""
        ...

    async def metrics_text(self) -> bytes:
        """Return the page for Prometheus."""
        ...

    async def status(self) -> Mapping[str, Any]:
        """Return what `GET /api/status` answers."""
        ...


class AdminApp:
    """Owns the admin routes. Whoever asks for more than a probe needs a token, and an operator's to change anything."""

    def __init__(self, panel: Panel, routes: Iterable[Iterable[web.RouteDef]]) -> None:
        self._panel = panel
        self._routes = [route for api in routes for route in api]
        self._ids = RequestIds()

    def build(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[self._guard], client_max_size=MAX_BODY_BYTES)
        app.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
                web.get("/api/status", self._status),
                *self._routes,
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let only bearers of a token past the probes, and answer every fault as a problem."""
        if request.path not in OPEN_PATHS:
            token = identify(request.headers.get("Authorization"), self._panel.admin_tokens())
            if token is None:
                problem = Problem(ProblemType.UNAUTHENTICATED, "The admin listener needs one of its bearer tokens.")
                return self._refuse(request, problem, {"WWW-Authenticate": "Bearer"})
            if request.method not in READING and token.role != "operator":
                return self._refuse(request, Problem(ProblemType.FORBIDDEN, "This needs an operator's token."), {})
            request[OPERATOR] = token.name
        try:
            return await handler(request)
        except RefusedError as error:
            return self._refuse(request, error.problem, {})
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(request, Problem(ProblemType.REQUEST_TOO_LARGE, "The body is larger than 64 KiB."), {})
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            problem = Problem(ProblemType.METHOD_NOT_ALLOWED, f"Allowed here: {allowed}.")
            return self._refuse(request, problem, {"Allow": allowed})
        except web.HTTPNotFound:
            return self._refuse(request, Problem(ProblemType.NOT_FOUND, "The admin listener has no such path."), {})

    async def _livez(self, _request: web.Request) -> web.Response:
        return answer(200, {"status": "ok"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        state = self._panel.state
        return answer(200 if state == "ready" else 503, {"status": state})

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=await self._panel.metrics_text(), headers={"Content-Type": METRICS_TYPE})

    async def _status(self, _request: web.Request) -> web.Response:
        return answer(200, await self._panel.status())

    def _refuse(self, request: web.Request, problem: Problem, headers: Mapping[str, str]) -> web.Response:
        request_id = self._ids.keep(request.headers.get("X-Request-Id"))
        body = problem.render(instance=request.rel_url.raw_path, request_id=request_id)
        standard = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", "X-Request-Id": request_id}
        return web.Response(status=problem.code, body=body, headers={**headers, **standard})
