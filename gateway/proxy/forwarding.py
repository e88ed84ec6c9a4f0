"""What is written to either side: heads, framed by us from what was parsed. Pure; what came in is never changed."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from gateway.config.cors import ANSWER_FIELDS
from gateway.policy.decision import Forward
from gateway.proxy.mark import keep_traceparent
from gateway.wire.answer import AnswerHead
from gateway.wire.body import Framing
from gateway.wire.line import Line
from gateway.wire.request import Request

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

REPLACED: Final = HOP_BY_HOP | {
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

TRANSLATED: Final = frozenset({"accept-encoding", "range", "if-range"})
"""Request fields that would bring an answer that cannot be translated: compressed, or a part of one."""

ANSWER_REPLACED: Final = HOP_BY_HOP | {"content-length", "x-request-id"}

BODY_BOUND: Final = frozenset({"etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"})
"""Answer fields that are true of the body as the backend sent it only."""

OURS: Final = frozenset({"deprecation", "sunset", "ratelimit", "ratelimit-policy"})
"""Answer fields that a decision may set, besides the version header: looked at only when the backend sends any."""

ADDED: Final = frozenset({"Link", "Vary"})
"""Our answer fields that are lists: the backend's own entries hold as well."""

VIA: Final = Line(b"Via", b"1.1 crossfade")

USUAL_CONNECTION: Final = frozenset({"keep-alive", "close", "Keep-Alive", "Close"})

STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("latin-1") for status in HTTPStatus
}


def request_head(
    request: Request, forward: Forward, authority: bytes, request_id: str, scheme: str, *, trusts_peer: bool
) -> list[bytes]:
    """Return the parts of the backend's request head, without framing and the final empty line."""
    head = request.head
    lookup = head.lookup
    skipped: frozenset[str] | set[str] = REPLACED
    extra = forward.drop
    connection = lookup.get("connection")
    if connection is not None and connection not in USUAL_CONNECTION:
        extra = extra | nominated(connection)
    if forward.adapter is not None:
        extra = extra | TRANSLATED
    given = lookup.get("traceparent")
    trace = keep_traceparent(given)
    if given is not trace and "tracestate" in lookup:
        extra = extra | {"tracestate"}  # belongs to the trace that is not continued
    if forward.path is head.path and forward.query is head.query:
        target = request.target  # to the byte, an empty query's question mark included
    else:
        target = f"{forward.path}?{forward.query}" if forward.query else forward.path
    via = f"{lookup['via']}, 1.1 crossfade" if "via" in lookup else "1.1 crossfade"
    forwarded = head.peer
    host = request.host
    if trusts_peer:
        if "x-forwarded-for" in lookup:
            forwarded = f"{lookup['x-forwarded-for']}, {forwarded}"
        scheme = lookup.get("x-forwarded-proto", scheme)
        host = lookup.get("x-forwarded-host", host)
    return [
        f"{forward.method} {target} HTTP/1.1\r\nHost: ".encode("latin-1"),
        authority,
        b"\r\n",
        *[line.raw for line in request.lines if line.key not in skipped and line.key not in extra],
        (
            f"{forward.identity}X-Request-Id: {request_id}\r\ntraceparent: {trace}\r\nVia: {via}\r\n"
            f"X-Forwarded-For: {forwarded}\r\nX-Forwarded-Proto: {scheme}\r\nX-Forwarded-Host: {host}\r\n"
        ).encode("latin-1"),
    ]


def answer_lines(head: AnswerHead, forward: Forward, owned: frozenset[str]) -> list[Line]:
    """Return the backend's fields that go on: ours replace its own, except those that are added to them."""
    connection = head.lookup.get("connection")
    skipped: frozenset[str] = ANSWER_REPLACED
    if connection is not None and connection not in USUAL_CONNECTION:
        skipped = skipped | nominated(connection)
    if not owned.isdisjoint(head.lookup):
        skipped = skipped | {name.lower() for name, _ in forward.answer_headers if name not in ADDED}
        skipped = skipped | (owned & ANSWER_FIELDS)
    lines = [line for line in head.lines if line.name not in skipped]
    lines.append(VIA)
    return lines


def answer_head(status: int, reason: bytes | None, lines: Iterable[Line], notices: str, request_id: str) -> list[bytes]:
    """Return the parts of the client's answer head, without framing and the final empty line; `notices` are fields."""
    return [
        status_line(status, reason),
        *[line.raw for line in lines],
        f"{notices}X-Request-Id: {request_id}\r\n".encode("latin-1"),
    ]


def status_line(status: int, reason: bytes | None) -> bytes:
    """Return the status line with the backend's reason phrase, or with the usual one where there is none."""
    if reason is None or status == 200:
        return STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    return b"HTTP/1.1 %d %b\r\n" % (status, reason)


def without_body_bound(lines: Iterable[Line]) -> list[Line]:
    """Return the lines of an answer whose body was changed."""
    return [line for line in lines if line.name not in BODY_BOUND]


def framing(length: int | None) -> bytes:
    """Return the framing field of a body of this length; None means chunked."""
    return b"Transfer-Encoding: chunked\r\n" if length is None else b"Content-Length: %d\r\n" % length


def announced(head: AnswerHead) -> bytes:
    """Return the length that an answer without a body announces (to HEAD, or with 304)."""
    return framing(head.length) if head.framing is Framing.LENGTH and head.status != 204 else b""


def nominated(connection: str) -> frozenset[str]:
    """Return the fields that `Connection` makes hop-by-hop."""
    return frozenset(token.strip().lower().replace("_", "-") for token in connection.split(","))
