"""A request's head, parsed strictly (RFC 9112 sections 2, 3 and 6).

What is refused here is refused because two parsers could read it differently, or because we do not serve it; the
connection is closed after it, since nobody can know where the next request begins.
"""

import re
from typing import Final

from gateway.core.http import RequestHead
from gateway.wire.body import Body, ChunkedBody, Framing, LengthBody, content_length
from gateway.wire.fault import WireError
from gateway.wire.line import Line, LineMemo

METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
ORIGIN_FORM: Final = re.compile(rb"/[!-\"$-~]*")
"""Visible ASCII without a fragment (RFC 9112 section 3.2.1)."""
ABSOLUTE_FORM: Final = re.compile(rb"https?://([^/?#@\x00-\x20\x7f-\xff]+)(/[!-\"$-~]*)?")
HOST: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
"""`uri-host [ ":" port ]` without userinfo and without the comma that proxies join repeated fields with."""

KNOWN_METHODS: Final = {
    method.encode(): method for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
REFUSED_METHODS: Final = frozenset({b"CONNECT", b"TRACE"})
SINGLE: Final = frozenset({"host", "content-length", "transfer-encoding", "authorization", "content-type"})
"""Fields that must not come twice: choosing one of them would be a guess."""


class Request:
    """One parsed request head: what the policy sees, the lines in their order, and how the body is framed."""

    __slots__ = ("framing", "head", "host", "is_last", "length", "lines", "target", "version")

    def __init__(self, head: RequestHead, target: str, lines: list[Line], version: bytes) -> None:
        self.head = head
        self.target = target
        self.lines = lines
        self.version = version
        self.host = ""
        self.framing = Framing.LENGTH
        self.length = 0
        self.is_last = False

    def __repr__(self) -> str:
        return f"<Request {self.head.method} {self.head.path}>"

    @property
    def has_body(self) -> bool:
        """Whether a body follows the head."""
        return self.length > 0 or self.framing is Framing.CHUNKED

    def decoder(self) -> Body:
        """Return the decoder of its body."""
        return ChunkedBody() if self.framing is Framing.CHUNKED else LengthBody(self.length)


def parse_request(block: bytes, memo: LineMemo, peer: str) -> Request:
    """Parse a head without its final empty line; raises WireError."""
    raws = block.split(b"\r\n")
    method, target, version = _request_line(raws[0])
    del raws[0]
    lines = memo.parse(raws)
    lookup = {line.name: line.value for line in lines}
    if len(lookup) != len(lines):
        lookup = _join(lines)
    origin_form, authority = _target(method, target)
    path, _, query = origin_form.partition("?")
    request = Request(RequestHead(method, path, query, peer, lookup), origin_form, lines, version)
    request.host = _host(lookup, authority, version)
    if "content-length" in lookup or "transfer-encoding" in lookup:
        _frame(request, lookup)
    connection = lookup.get("connection")
    if connection is not None:
        tokens = connection.lower()
        request.is_last = "close" in tokens or (version == b"HTTP/1.0" and "keep-alive" not in tokens)
    elif version == b"HTTP/1.0":
        request.is_last = True
    return request


def _request_line(raw: bytes) -> tuple[str, bytes, bytes]:
    parts = raw.split(b" ")
    if len(parts) != 3:
        raise WireError("The request line is not METHOD SP target SP version.")
    name, target, version = parts
    if version not in {b"HTTP/1.1", b"HTTP/1.0"}:
        raise WireError("Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    method = KNOWN_METHODS.get(name)
    if method is None:
        if METHOD.fullmatch(name) is None or name in REFUSED_METHODS:
            raise WireError("This method is not served here.")
        method = name.decode("ascii")
    return method, target, version


def _target(method: str, target: bytes) -> tuple[str, str | None]:
    """Return the target in origin form, and the authority of an absolute one."""
    if ORIGIN_FORM.fullmatch(target) is not None:
        return target.decode("ascii"), None
    if target == b"*" and method == "OPTIONS":
        return "*", None
    found = ABSOLUTE_FORM.fullmatch(target)
    if found is None:
        raise WireError("The request target must be a path in origin form, such as /api/news?page=2.")
    return (found[2] or b"/").decode("ascii"), found[1].decode("ascii")


def _host(lookup: dict[str, str], authority: str | None, version: bytes) -> str:
    """Return the authority asked for: an absolute target's wins over Host (RFC 9112 section 3.2.2)."""
    host = lookup.get("host")
    if host is None:
        if version == b"HTTP/1.1":
            raise WireError("The request needs a Host field.")
        return authority or ""
    if HOST.fullmatch(host) is None or (authority is not None and HOST.fullmatch(authority) is None):
        raise WireError("The request needs exactly one valid Host field.")
    return authority if authority is not None else host


def _frame(request: Request, lookup: dict[str, str]) -> None:
    coding = lookup.get("transfer-encoding")
    if coding is None:
        request.length = content_length(lookup["content-length"])
        return
    if "content-length" in lookup or coding.lower() != "chunked" or request.version == b"HTTP/1.0":
        raise WireError("The request's framing is ambiguous.")
    request.framing = Framing.CHUNKED


def _join(lines: list[Line]) -> dict[str, str]:
    """Join repeated fields (RFC 9110 section 5.3); raises WireError for those that must come once."""
    lookup: dict[str, str] = {}
    for line in lines:
        if line.name not in lookup:
            lookup[line.name] = line.value
        elif line.name in SINGLE:
            raise WireError(f"The field {line.name} comes twice.")
        else:
            separator = "; " if line.name == "cookie" else ", "
            lookup[line.name] += separator + line.value
    return lookup
