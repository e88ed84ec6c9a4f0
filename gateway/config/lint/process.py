"""The process around the traffic: listeners, workers, stores, upstreams, browsers."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.config.findings import Fault, KeyPath
from gateway.config.schema import Address, Config, Cors, Tls, Upstream, UpstreamTls
from gateway.config.trust import TrustFaultError, context

RESERVED_HEADERS = frozenset(
    {
        "allow", "cache-control", "connection", "content-encoding", "content-length", "content-type", "date",
        "deprecation", "keep-alive", "link", "location", "ratelimit", "ratelimit-policy", "retry-after", "set-cookie",
        "sunset", "te", "trailer", "transfer-encoding", "upgrade", "via", "www-authenticate", "x-request-id",
    }
)  # fmt: skip
"""Answer headers that the side's name would break."""
WILDCARDS = frozenset({"0.0.0.0", "::"})


def check(config: Config) -> Iterator[Fault]:
    """Yield what would keep the process from starting well, or open it to the wrong people."""
    yield from _listeners(config)
    header = config.server.version_header
    if header is not None and header.lower() in RESERVED_HEADERS:
        message = f"'{header}' has a meaning of its own in answers; choose a header such as X-Served-By"
        yield Fault(("server", "version_header"), message)
    if config.server.workers > 1 and config.redis is None:
        message = (
            "more than one worker needs redis, which quotas are shared through; write redis: redis://…, or workers: 1"
        )
        yield Fault(("server", "workers"), message)
    if config.redis is None:
        yield from _leases(config)
    if config.server.tls is not None:
        yield from _tls(config.server.tls, ("server", "tls"))
    if config.server.cors is not None:
        yield from _cors(config.server.cors, ("server", "cors"))
    yield from _urls(config)
    for name, upstream in config.upstreams.items():
        yield from _upstream(upstream, ("upstreams", name), config.server.listen)


def _leases(config: Config) -> Iterator[Fault]:
    for name, quota in config.quotas.items():
        if quota.precision == "leased":
            message = "has no meaning without redis: a gateway that counts for itself is exact and waits for nobody"
            yield Fault(("quotas", name, "precision"), message, "warning")


def _listeners(config: Config) -> Iterator[Fault]:
    public, admin = config.server.listen, config.server.admin
    path: KeyPath = ("server", "admin", "listen")
    if _collide(public, admin.listen):
        yield Fault(path, f"'{admin.listen}' collides with the public server.listen; choose another port")
    if not admin.tokens and not _is_loopback(admin.listen.host):
        message = (
            f"'{admin.listen}' is open to other machines without a token; write tokens: […], or listen on 127.0.0.1"
        )
        yield Fault(path, message)


def _collide(one: Address, other: Address) -> bool:
    is_same_port = one.port == other.port and one.port != 0
    return is_same_port and (one.host == other.host or bool(WILDCARDS & {one.host, other.host}))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(tls: Tls, path: KeyPath) -> Iterator[Fault]:
    for key, file in (("cert", tls.cert), ("key", tls.key)):
        if not file.is_file():
            yield Fault((*path, key), f"there is no file '{file}'; write the path of a PEM file")


def _cors(cors: Cors, path: KeyPath) -> Iterator[Fault]:
    for position, origin in enumerate(cors.origins):
        here = (*path, "origins", position)
        if origin == "*" and cors.credentials:
            yield Fault(
                here, "'*' with credentials lets every page act as the user; list the origins, or credentials: false"
            )
        elif origin != "*" and not _is_origin(origin):
            yield Fault(here, f"'{origin}' is not an origin; write https://HOST without a path")
        elif origin != "*" and origin != _as_sent(origin):
            yield Fault(here, f"'{origin}' is not how browsers send it; write {_as_sent(origin)}")


def _as_sent(origin: str) -> str:
    """Return an origin in its only spelling: lower case, without the scheme's own port (RFC 6454 section 6.2)."""
    lowered = origin.lower()
    return lowered.removesuffix(":443" if lowered.startswith("https:") else ":80")


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and value == f"{parts.scheme}://{parts.netloc}"
        )
    except ValueError:
        return False


def _urls(config: Config) -> Iterator[Fault]:
    if not config.store.startswith(("sqlite:///", "mongodb://", "mongodb+srv://")) or config.store == "sqlite:///":
        yield Fault(("store",), "is not a store; write sqlite:///FILE or mongodb://HOST/DATABASE")
    if config.redis is not None and not config.redis.url.startswith(("redis://", "rediss://", "unix://")):
        yield Fault(("redis",), "is not a Redis URL; write redis://HOST:6379/0, rediss://… or unix://…")


def _upstream(upstream: Upstream, path: KeyPath, public: Address) -> Iterator[Fault]:
    for position, endpoint in enumerate(upstream.endpoints):
        here = (*path, "endpoints", position)
        if endpoint in upstream.endpoints[:position]:
            yield Fault(here, f"'{endpoint}' is listed twice; keep one")
        parts = urlsplit(endpoint)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.hostname is not None and _collide(Address(parts.hostname, port), public):
            yield Fault(here, f"'{endpoint}' is the gateway's own server.listen, so requests would go in circles")
    if upstream.health is not None and upstream.health.timeout > upstream.health.interval:
        message = "is longer than interval, so checks would pile up; make it shorter"
        yield Fault((*path, "health", "timeout"), message)
    if upstream.tls is not None:
        yield from _trust(upstream.tls, (*path, "tls"), upstream.endpoints)


def _trust(tls: UpstreamTls, path: KeyPath, endpoints: Sequence[str]) -> Iterator[Fault]:
    if not any(endpoint.startswith("https:") for endpoint in endpoints):
        yield Fault(path, "is for endpoints that begin with https://, and here is none")
    if (tls.cert is None) != (tls.key is None):
        given, missing = ("cert", "key") if tls.key is None else ("key", "cert")
        yield Fault((*path, given), f"needs its {missing} beside it: write {missing}: FILE")
        return
    try:
        context(tls)
    except TrustFaultError as error:
        yield Fault((*path, error.key), str(error))
