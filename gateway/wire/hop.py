"""Fields that belong to one hop, or that each hop writes anew: they never go on as they came."""

from functools import lru_cache
from typing import Final

HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    }
)
"""RFC 9110 section 7.6.1, RFC 9112 appendix C.2.2, RFC 7540 section 3.2.1."""

REQUEST_REPLACED: Final = HOP_BY_HOP | {
    "host",
    "content-length",
    "expect",
    "via",
    "x-request-id",
    "traceparent",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
}
"""Request fields that are written anew."""

ANSWER_REPLACED: Final = HOP_BY_HOP | {"content-length", "x-request-id"}
"""Answer fields that are written anew."""


@lru_cache(maxsize=256)
def ends_connection(connection: str, *, is_old: bool) -> bool:
    """Return whether a `Connection` field means that nothing follows (RFC 9112 section 9.3); `is_old`: HTTP/1.0."""
    options = {option.strip() for option in connection.lower().split(",")}
    return "close" in options or (is_old and "keep-alive" not in options)
