"""Who calls: the bearer token of a request, verified by the domain.

Raises `Fault` UNAUTHORIZED, never answers itself.
"""

from aiohttp import web

from backends.domain.accounts import Accounts, Claims
from backends.domain.errors import Fault, FaultKind

CLAIMS: web.RequestKey[Claims] = web.RequestKey("claims", Claims)


def bearer_token(request: web.Request) -> str:
    """The token of the `Authorization` header; the scheme's case does not matter (RFC 9110 §11.1)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Fault(FaultKind.UNAUTHORIZED, "a bearer token is required")
    return token.strip()


def access_claims(token: str, accounts: Accounts) -> Claims:
    """The claims of a valid access token; a refresh token opens nothing but `refresh`."""
    claims = accounts.verify(token)
    if claims.typ != "access":
        raise Fault(FaultKind.UNAUTHORIZED, "an access token is required")
    return claims


def authenticate(request: web.Request, accounts: Accounts) -> Claims:
    """Verifies the caller and leaves the claims in the request for its handler."""
    claims = access_claims(bearer_token(request), accounts)
    request[CLAIMS] = claims
    return claims


def require_role(request: web.Request, role: str) -> None:
    """Refuses a caller, known by `authenticate`, whose token has another role."""
    if request[CLAIMS].role != role:
        raise Fault(FaultKind.FORBIDDEN, f"the role {role} is required")
