"""v1's door: every endpoint but a handful needs a valid access token."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from backends.domain.accounts import Accounts
from backends.shell.bearer import CLAIMS, authenticate
from backends.shell.faults import PATH as FAULTS_PATH

PUBLIC = frozenset(
    {
        "/api/auth/login",
        "/api/auth/register",
        "/api/auth/refresh",
        "/api/health",
        FAULTS_PATH,
    }
)


def access(accounts: Accounts) -> Middleware:
    """Refuses callers without a token; an unknown path or a wrong method is answered as such to anyone."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        if resource is not None and resource.canonical not in PUBLIC:
            authenticate(request, accounts)
        return await handler(request)

    return guard


def caller(request: web.Request) -> str:
    """The id of the user who calls; only behind `access`."""
    return request[CLAIMS].sub
