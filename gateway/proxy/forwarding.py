"""Which fields go on: to the backend, and back to the client. Pure; what came in is never changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.core.http import Fields, RequestHead
from gateway.policy.decision import Forward
from gateway.proxy.mark import keep_traceparent

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

REPLACED: Final = frozenset(
    {"host", "content-length", "expect", "via", "x-request-id", "traceparent", "x-forwarded-for"}
    | {"x-forwarded-proto", "x-forwarded-host", "forwarded"}
)
"""Request fields that are written anew, or answered here (`Expect`)."""

VIA: Final = "1.1 crossfade"

TRANSLATED: Final = frozenset({"accept-encoding", "range", "if-range"})
"""Request fields that would bring an answer that cannot be translated: compressed, or a part of one."""

BODY_BOUND: Final = frozenset({"etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"})
"""Answer fields that are true of the body as the backend sent it only."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the gateway knows about a request that its fields may lie about."""

    request_id: str
    scheme: str
    trusts_peer: bool


def request_fields(head: RequestHead, forward: Forward, origin: Origin) -> Fields:
    """Return the fields for the backend, without Host and framing, which its connection adds."""
    skipped = HOP_BY_HOP | REPLACED | forward.drop | _nominated(head.fields)
    if forward.adapter is not None:
        skipped |= TRANSLATED
    given = head.get("traceparent")
    trace = keep_traceparent(given)
    if trace != given:
        skipped |= {"tracestate"}  # belongs to the trace that is not continued
    kept = [(name, value) for name, value in head.fields if not _spellings(name) & skipped]
    kept.extend(forward.add)
    kept.append(("X-Request-Id", origin.request_id))
    kept.append(("traceparent", trace))
    kept.append(("Via", _append(head.get("via"), VIA)))
    kept.extend(_forwarded(head, origin))
    if forward.adapter is not None:
        kept.append(("Accept-Encoding", "identity"))
    return tuple(kept)


def answer_fields(fields: Fields, forward: Forward, request_id: str) -> Fields:
    """Return the fields for the client, without framing: ours replace the backend's, except that a `Link` is added."""
    ours = {name.lower() for name, _ in forward.answer_headers} - {"link"}
    skipped = HOP_BY_HOP | {"content-length", "via", "x-request-id"} | ours | _nominated(fields)
    kept = [(name, value) for name, value in fields if name.lower() not in skipped]
    kept.extend(forward.answer_headers)
    kept.append(("X-Request-Id", request_id))
    vias = ", ".join(value for name, value in fields if name.lower() == "via")
    kept.append(("Via", _append(vias, VIA)))
    return tuple(kept)


def without_body_bound(fields: Fields) -> Fields:
    """Return the fields of an answer whose body was changed."""
    return tuple((name, value) for name, value in fields if name.lower() not in BODY_BOUND)


def _nominated(fields: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the fields that `Connection` makes hop-by-hop."""
    values = [value for name, value in fields if name.lower() == "connection"]
    return frozenset(token.strip().lower() for value in values for token in value.split(","))


def _spellings(name: str) -> frozenset[str]:
    """Return a field's names: a backend behind CGI or WSGI takes `X_User_Id` for `X-User-Id`."""
    lower = name.lower()
    return frozenset({lower, lower.replace("_", "-")})


def _append(earlier: str | None, value: str) -> str:
    return f"{earlier}, {value}" if earlier else value


def _forwarded(head: RequestHead, origin: Origin) -> Fields:
    """Return X-Forwarded-*: a trusted proxy's word is kept and continued, anybody else's is replaced."""
    earlier = head.get if origin.trusts_peer else _nothing
    return (
        ("X-Forwarded-For", _append(earlier("x-forwarded-for"), head.peer)),
        ("X-Forwarded-Proto", earlier("x-forwarded-proto") or origin.scheme),
        ("X-Forwarded-Host", earlier("x-forwarded-host") or head.get("host") or ""),
    )


def _nothing(_name: str) -> None:
    return None
