"""Keys, tokens and who may come in."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.config.findings import Fault, KeyPath
from gateway.config.keys import KeyFaultError, load_key
from gateway.config.schema import Admin, Config, Issuer, Jwks, Jwt, Require

MIN_TOKEN_CHARACTERS = 16
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
RESERVED_HEADERS = frozenset(
    {
        "authorization", "connection", "content-length", "content-type", "cookie", "expect", "host", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "via",
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id", "traceparent", "tracestate",
    }
)  # fmt: skip
"""Request headers with a meaning of their own; a claim in one of them would break the request."""


def check(config: Config) -> Iterator[Fault]:
    """Yield keys that cannot be used, tokens that are none, and endpoints that nobody could enter."""
    if config.auth.jwt is None:
        yield from _nobody_could_enter(config)
    else:
        yield from _jwt(config.auth.jwt, ("auth", "jwt"))
    yield from _requirements(config)
    yield from _tokens(config.server.admin, ("server", "admin"))


def _requirements(config: Config) -> Iterator[Fault]:
    for position, route in enumerate(config.routes):
        yield from _requirement(route.auth, route.require, ("routes", position))
    for name, migration in config.migrations.items():
        for position, endpoint in enumerate(migration.endpoints):
            require = migration.require if endpoint.require is None else endpoint.require
            mode = endpoint.auth or migration.auth
            yield from _requirement(mode, require, ("migrations", name, "endpoints", position))


def _requirement(mode: str, require: Require | None, path: KeyPath) -> Iterator[Fault]:
    """Yield what requires something of callers about whom nothing need be known."""
    if require is None or mode == "required":
        return
    if mode == "none" and (require.claim or require.header or require.scope):
        message = "requires something of a caller whose token is not looked at; write auth: required, or require: {}"
        yield Fault((*path, "require"), message)
    elif require.claim or require.scope:
        message = "could never be met without a token; write auth: required, or require: {}"
        yield Fault((*path, "require"), message)


def _nobody_could_enter(config: Config) -> Iterator[Fault]:
    modes = [route.auth for route in config.routes]
    for migration in config.migrations.values():
        modes += [endpoint.auth or migration.auth for endpoint in migration.endpoints]
    if "required" in modes:
        message = "is missing, but endpoints have auth: required (the default); write jwt: {keys: […]}, or auth: none"
        yield Fault(("auth", "jwt"), message)


def _jwt(jwt: Jwt, path: KeyPath) -> Iterator[Fault]:
    if jwt.keys or jwt.jwks is not None or not jwt.issuers:
        yield from _issuer(jwt, path)
    names = {jwt.issuer} if jwt.keys or jwt.jwks is not None else set()
    if jwt.issuers and None in names:
        yield Fault((*path, "issuer"), "is missing: with more than one issuer, tokens are told apart by their iss")
    for position, issuer in enumerate(jwt.issuers):
        here = (*path, "issuers", position)
        yield from _issuer(issuer, here)
        if issuer.issuer in names:
            yield Fault((*here, "issuer"), f"'{issuer.issuer}' is listed already; give all its keys in one place")
        names.add(issuer.issuer)
    yield from _forward(jwt, (*path, "forward"))


def _issuer(issuer: Jwt | Issuer, path: KeyPath) -> Iterator[Fault]:
    if not issuer.keys and issuer.jwks is None:
        yield Fault((*path, "keys"), 'has no key; write keys: [{alg: HS256, secret: "${JWT_SECRET}"}]')
    if issuer.jwks is not None:
        yield from _jwks(issuer.jwks, (*path, "jwks"))
    kids: dict[str, int] = {}
    for position, spec in enumerate(issuer.keys):
        here = (*path, "keys", position)
        try:
            load_key(spec)
        except KeyFaultError as fault:
            yield Fault((*here, fault.field), str(fault))
        if spec.kid is not None and kids.setdefault(spec.kid, position) != position:
            yield Fault((*here, "kid"), f"keys[{kids[spec.kid]}] has the same kid; give each key its own")


def _jwks(jwks: Jwks, path: KeyPath) -> Iterator[Fault]:
    url = urlsplit(jwks.url)
    if "@" in url.netloc:
        yield Fault((*path, "url"), "holds a name or password, which would stand in logs; published keys need none")
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        message = "is fetched without TLS: whoever is on the way can put in a key of their own; use https"
        yield Fault((*path, "url"), message, "warning")


def _forward(jwt: Jwt, path: KeyPath) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for claim, header in jwt.forward.items():
        first = seen.setdefault(header.lower(), claim)
        if first != claim:
            yield Fault((*path, claim), f"the claim {first} goes to '{header}' already; choose another header")
        if header.lower() in RESERVED_HEADERS:
            yield Fault((*path, claim), f"'{header}' has a meaning of its own; choose a header such as X-User-Id")


def _tokens(admin: Admin, path: KeyPath) -> Iterator[Fault]:
    names: set[str] = set()
    values: dict[str, int] = {}
    for position, entry in enumerate(admin.tokens):
        here = (*path, "tokens", position)
        if not entry.token.strip():
            yield Fault((*here, "token"), "is empty, so everyone would have it; make one with: openssl rand -hex 32")
        elif len(entry.token) < MIN_TOKEN_CHARACTERS:
            message = f"is shorter than {MIN_TOKEN_CHARACTERS} characters; make one with: openssl rand -hex 32"
            yield Fault((*here, "token"), message, "warning")
        if entry.name in names:
            yield Fault((*here, "name"), f"'{entry.name}' names two tokens; the audit log could not tell them apart")
        elif entry.token in values:
            yield Fault((*here, "token"), f"is the token of tokens[{values[entry.token]}] too; give each its own")
        names.add(entry.name)
        values.setdefault(entry.token, position)
