"""What is written to the backend for one request: its head and as much of its body as is here."""

from dataclasses import dataclass
from typing import Final

from gateway.config.snapshot import Route
from gateway.policy.adapt import adapt_request, wants_request_body
from gateway.policy.decision import Forward
from gateway.proxy import forwarding
from gateway.wire.body import chunk
from gateway.wire.request import CHUNKED, Request

OTHER_HTTP: Final = frozenset({"h2c", "http", "tls"})
"""Never tunnelled: requests inside would escape the policy (RFC 7540 section 3.2, RFC 2817)."""

BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(slots=True)
class Composed:
    """The bytes, and what they have promised the backend about the rest.

    `is_chunked`: the body goes on in chunks; `is_expecting`: the backend was asked for a 100 before the body;
    `is_tunnel`: it was asked to switch protocols.
    """

    parts: list[bytes]
    is_chunked: bool = False
    is_expecting: bool = False
    is_tunnel: bool = False


PROMISED_NOTHING: Final = Composed([])
"""Of a request that was sent whole."""


def compose(parts: list[bytes], request: Request, forward: Forward, body: bytes, *, is_complete: bool) -> Composed:
    """Return the request as it is sent on: after `parts`, the lines of its head, with what has arrived of its body."""
    composed = Composed(parts)
    if forward.adapter is not None:
        parts.append(b"Accept-Encoding: identity\r\n")
    if "upgrade" in request.lookup and _wants_tunnel(request, forward):
        composed.is_tunnel = True
        parts.append(f"Connection: Upgrade\r\nUpgrade: {request.lookup['upgrade']}\r\n".encode("latin-1"))
    if request.has_body:
        _add_body(composed, request, forward, body, is_complete=is_complete)
    else:
        # A method whose body has a meaning says that there is none (RFC 9110 section 8.6).
        parts.append(b"Content-Length: 0\r\n\r\n" if forward.method in BODY_METHODS else b"\r\n")
    return composed


def _add_body(composed: Composed, request: Request, forward: Forward, body: bytes, *, is_complete: bool) -> None:
    parts = composed.parts
    if forward.adapter is not None and wants_request_body(forward.adapter):
        body = adapt_request(forward.adapter, body)
    if is_complete:
        parts += [b"Content-Length: %d\r\n\r\n" % len(body), body]
        return
    if request.length != CHUNKED:
        parts.append(forwarding.framing(request.length).encode("ascii"))
    else:
        composed.is_chunked = True
        parts.append(forwarding.framing(None).encode("ascii"))
        body = chunk(body) if body else b""
    if request.version == b"HTTP/1.1" and expects_continue(request):
        # The body is still with the client: the backend says whether it wants it (RFC 9110 section 10.1.1).
        composed.is_expecting = True
        parts.append(b"Expect: 100-continue\r\n")
    parts += [b"\r\n", body]


def expects_continue(request: Request) -> bool:
    """Return whether the client waits for a 100 before it sends the body."""
    return request.lookup.get("expect", "").lower() == "100-continue"


def _wants_tunnel(request: Request, forward: Forward) -> bool:
    is_allowed = isinstance(forward.target, Route) and forward.target.upgrade and not request.has_body
    wanted = request.lookup["upgrade"].lower().replace("/", ",").split(",")
    is_allowed = is_allowed and OTHER_HTTP.isdisjoint(name.strip() for name in wanted)
    return is_allowed and "upgrade" in forwarding.nominated(request.lookup.get("connection", ""))
