"""What is written to either side: heads, framed by us from what was parsed. Pure; what came in is never changed."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from gateway.config.cors import ANSWER_FIELDS
from gateway.core.block import Block
from gateway.policy.decision import Forward
from gateway.proxy.mark import TRACEPARENT, new_trace
from gateway.proxy.merging import MERGED, merge
from gateway.wire.answer import AnswerHead
from gateway.wire.body import Framing
from gateway.wire.hop import ANSWER_REPLACED
from gateway.wire.line import Line
from gateway.wire.request import Request

TRANSLATED: Final = frozenset({"accept-encoding", "range", "if-range"})
"""Request fields that would bring an answer that cannot be translated: compressed, or a part of one."""

BODY_BOUND: Final = frozenset({"etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"})
"""Answer fields that are true of the body as the backend sent it only."""

OURS: Final = frozenset(
    {
        "deprecation",
        "sunset",
        "link",
        "ratelimit",
        "ratelimit-policy",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    }
)
"""Answer fields that a decision may set, besides the version header: looked at only when the backend sends any."""

ADDED: Final = frozenset({"Link", "Vary"})
"""Our answer fields that are lists: the backend's own entries hold as well."""

VIA: Final = "Via: 1.1 crossfade\r\n"

NOTHING: Final[frozenset[str]] = frozenset()

USUAL_CONNECTION: Final = frozenset({"keep-alive", "close", "Keep-Alive", "Close"})

STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("latin-1") for status in HTTPStatus
}


def request_head(
    request: Request, forward: Forward, authority: str, request_id: str, scheme: str, trusts_peer: bool
) -> list[bytes]:
    """Return the parts of the backend's request head, without framing and the final empty line."""
    lookup = request.lookup
    trace = lookup.get("traceparent")
    is_same_trace = trace is not None and TRACEPARENT.fullmatch(trace) is not None
    if not is_same_trace:
        trace = new_trace()
    if forward.path is request.path and forward.query is request.query:
        target = request.line.target  # to the byte, an empty query's question mark included
    else:
        target = f"{forward.path}?{forward.query}" if forward.query else forward.path
    via = f"{lookup['via']}, 1.1 crossfade" if "via" in lookup else "1.1 crossfade"
    forwarded = request.peer
    host = request.host
    if trusts_peer:
        if "x-forwarded-for" in lookup:
            forwarded = f"{lookup['x-forwarded-for']}, {forwarded}"
        scheme = lookup.get("x-forwarded-proto", scheme)
        host = lookup.get("x-forwarded-host", host)
    ours = (
        f"{forward.method} {target} HTTP/1.1\r\nHost: {authority}\r\n"
        f"{forward.identity}X-Request-Id: {request_id}\r\ntraceparent: {trace}\r\nVia: {via}\r\n"
        f"X-Forwarded-For: {forwarded}\r\nX-Forwarded-Proto: {scheme}\r\nX-Forwarded-Host: {host}\r\n"
    ).encode("latin-1")
    is_usual = is_same_trace and forward.adapter is None and request.dropped is forward.drop
    connection = lookup.get("connection")
    if is_usual and (connection is None or connection in USUAL_CONNECTION):
        return [ours, *[line.sent for line in request.lines]]
    skipped = _also_skipped(request, forward, is_same_trace=is_same_trace)
    return [ours, *[line.sent for line in request.lines if line.key not in skipped]]


def _also_skipped(request: Request, forward: Forward, *, is_same_trace: bool) -> frozenset[str]:
    """Return the fields that do not go on this time, besides those that never do."""
    connection = request.lookup.get("connection")
    # Not the same: while the request waited for others, a reload has changed what is dropped.
    skipped = NOTHING if request.dropped is forward.drop else forward.drop
    if forward.adapter is not None:
        skipped |= TRANSLATED
    if connection is not None and connection not in USUAL_CONNECTION:
        skipped |= nominated(connection)
    if not is_same_trace and "tracestate" in request.lookup:
        skipped |= {"tracestate"}  # belongs to the trace that is not continued
    return skipped


def answer_fields(head: AnswerHead, forward: Forward, owned: frozenset[str]) -> tuple[list[Line], Block]:
    """Return the backend's fields that go on, and ours: they replace its own, are added, or merged with them."""
    lookup, ours = head.lookup, forward.notices
    connection = lookup.get("connection")
    is_usual = connection is None or connection in USUAL_CONNECTION
    if is_usual and owned.isdisjoint(lookup):
        return head.lines, ours
    skipped = NOTHING if is_usual or connection is None else nominated(connection)
    if not owned.isdisjoint(lookup):
        fields = forward.answer_headers
        skipped |= {name.lower() for name, _ in fields if name not in ADDED} | (owned & ANSWER_FIELDS)
        if not MERGED.isdisjoint(lookup):
            ours = merge(head.lines, fields)
    return [line for line in head.lines if line.name not in skipped], ours


def interim_lines(head: AnswerHead) -> list[Line]:
    """Return the fields of a 1xx that go on: it has no body, so it has no framing either (RFC 9110 section 8.6)."""
    skipped = ANSWER_REPLACED | nominated(head.lookup.get("connection", ""))
    return [line for line in head.lines if line.name not in skipped]


def answer_head(status: int, reason: bytes | None, lines: Iterable[Line], ours: str) -> list[bytes]:
    """Return the parts of the client's answer head, without the final empty line; `ours` are fields as written."""
    return [status_line(status, reason), *[line.sent for line in lines], ours.encode("latin-1")]


def status_line(status: int, reason: bytes | None) -> bytes:
    """Return the status line with the backend's reason phrase, or with the usual one where there is none."""
    if reason is None or status == 200:
        return STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    return b"HTTP/1.1 %d %b\r\n" % (status, reason)


def without_body_bound(lines: Iterable[Line]) -> list[Line]:
    """Return the lines of an answer whose body was changed."""
    return [line for line in lines if line.name not in BODY_BOUND]


def framing(length: int | None) -> str:
    """Return the framing field of a body of this length; None means chunked."""
    return "Transfer-Encoding: chunked\r\n" if length is None else f"Content-Length: {length}\r\n"


def announced(head: AnswerHead) -> str:
    """Return the length that an answer without a body announces (to HEAD, or with 304)."""
    return framing(head.length) if head.framing is Framing.LENGTH and head.status != 204 else ""


def nominated(connection: str) -> frozenset[str]:
    """Return the fields that `Connection` makes hop-by-hop."""
    return frozenset(token.strip().lower().replace("_", "-") for token in connection.split(","))
