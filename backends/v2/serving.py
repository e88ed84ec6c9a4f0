"""Turns an `Endpoint` into a handler: lets the caller in, reads the input, calls, writes the answer.

The order is fixed: token, role, input. Whatever is raised is worded elsewhere (`envelope.Failures`).
"""

from collections.abc import Iterable

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, TypeAdapter

from backends.domain.accounts import Accounts
from backends.shell.bearer import authenticate, require_role
from backends.shell.inputs import body, query
from backends.v2.endpoint import Access, Area, Call, Custom, Endpoint, Envelope, NoInput, Route
from backends.v2.envelope import JSON, success


def route_defs(areas: Iterable[Area], accounts: Accounts) -> list[web.RouteDef]:
    """Every route of the areas, ready for the router."""
    return [_route_def(route, accounts) for area in areas for route in area.routes]


def served[I: BaseModel, O](endpoint: Endpoint[I, O], accounts: Accounts) -> Handler:
    """The handler of one endpoint."""
    adapter = TypeAdapter(endpoint.answers)

    async def serve(request: web.Request) -> web.Response:
        admit(request, endpoint.access, accounts)
        call = Call(request, await _input(request, endpoint))
        data = adapter.dump_python(await endpoint.handle(call), mode="json", by_alias=True)
        if endpoint.envelope is Envelope.NONE:
            return web.Response(body=orjson.dumps(data), status=endpoint.status, content_type=JSON)
        return success(request, data, status=endpoint.status)

    return serve


def admit(request: web.Request, access: Access, accounts: Accounts) -> None:
    """Raises `Fault` unless the caller may call."""
    if access is Access.PUBLIC:
        return
    authenticate(request, accounts)
    if access is Access.ADMIN:
        require_role(request, "admin")


def _route_def(route: Route, accounts: Accounts) -> web.RouteDef:
    """A GET does not imply a HEAD: the contract has none."""
    options = {"allow_head": False} if route.method == "GET" else {}
    handler = route.serve if isinstance(route, Custom) else served(route, accounts)
    return web.route(route.method, route.path, handler, **options)


async def _input[I: BaseModel, O](request: web.Request, endpoint: Endpoint[I, O]) -> I:
    if endpoint.reads is NoInput:
        return endpoint.reads()
    return await body(request, endpoint.reads) if endpoint.has_body else query(request, endpoint.reads)
