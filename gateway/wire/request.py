"""A request's head, parsed strictly (RFC 9112 sections 2, 3 and 6).

What is refused here is refused because two parsers could read it differently, or because we do not serve it; the
connection is closed after it, since nobody can know where the next request begins.
"""

import re
from typing import Final

from gateway.core.http import RequestHead
from gateway.wire.body import Body, ChunkedBody, LengthBody, content_length
from gateway.wire.fault import WireError
from gateway.wire.hop import REQUEST_REPLACED, ends_connection
from gateway.wire.line import MEMO_LINE_BYTES, MEMO_LINES, Line, LineMemo

METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
ORIGIN_FORM: Final = re.compile(rb"/[!-\"$-~]*")
"""Visible ASCII without a fragment (RFC 9112 section 3.2.1)."""
ABSOLUTE_FORM: Final = re.compile(rb"(?i:https?)://([^/?#@\x00-\x20\x7f-\xff]+)([/?][!-\"$-~]*)?")
HOST: Final = re.compile(
    r"(?:(?:[A-Za-z0-9._~!$&'()*+;=-]|%(?!0|1|7[Ff])[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII
)
"""`uri-host [ ":" port ]` without userinfo and without the comma that proxies join repeated fields with."""

KNOWN_METHODS: Final = {
    method.encode(): method for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
MEMO_HOSTS: Final = 1024
MAX_HOST: Final = 261
"""A name of 255 characters and a port; longer ones are looked at anew each time."""
BARE_METHODS: Final = frozenset({"GET", "DELETE", "OPTIONS"})
CHUNKED: Final = -1
"""Stands for a length that only the body itself tells."""
REFUSED_METHODS: Final = frozenset({b"CONNECT", b"TRACE"})
SINGLE: Final = frozenset({"host", "content-length", "transfer-encoding", "authorization", "content-type"})
"""Fields that must not come twice: choosing one of them would be a guess."""


class RequestLine:
    """One request line: the target in origin form, in parts, and the authority of an absolute one. Read-only.

    `is_bare`: the method is one whose request seldom has a body, and whose answer is read as most are.
    """

    __slots__ = ("authority", "is_bare", "method", "path", "query", "target", "version")

    def __init__(self, method: str, target: str, authority: str | None, version: bytes) -> None:
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.authority = authority
        self.is_bare = method in BARE_METHODS
        self.version = version

    def __repr__(self) -> str:
        return f"<RequestLine {self.method} {self.path}>"


class Request(RequestHead):
    """One parsed request head: what the policy sees, the lines in their order, and how the body is framed.

    `line` is the request line, `length` the body's, or CHUNKED. `is_bare`: no body, nor anything else to be seen to.
    `dropped` is what the memo dropped when it was parsed.
    """

    __slots__ = ("dropped", "host", "is_bare", "is_last", "length", "line", "lines")

    def __init__(
        self,
        line: RequestLine,
        peer: str,
        lookup: dict[str, str],
        lines: list[Line],
        host: str,
        dropped: frozenset[str],
    ) -> None:
        self.method = line.method
        self.path = line.path
        self.query = line.query
        self.peer = peer
        self.lookup = lookup
        self.line = line
        self.lines = lines
        self.host = host
        self.dropped = dropped
        self.length = 0
        self.is_bare = line.is_bare and "upgrade" not in lookup
        self.is_last = False

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"

    @property
    def version(self) -> bytes:
        """The protocol's, as it was written."""
        return self.line.version

    @property
    def has_body(self) -> bool:
        """Whether a body follows that is not empty, as far as the head tells."""
        return self.length != 0

    def decoder(self) -> Body:
        """Return the decoder of its body."""
        return ChunkedBody() if self.length == CHUNKED else LengthBody(self.length)


class RequestMemo:
    """Owns what is remembered of requests: field lines, request lines (two generations, as of lines) and good hosts.

    `dropped` are the fields that do not go on, besides those that no hop passes on.
    """

    __slots__ = ("_old", "dropped", "fields", "hosts", "young")

    def __init__(self, dropped: frozenset[str] = frozenset()) -> None:
        self.dropped = dropped
        self.fields = LineMemo(REQUEST_REPLACED | dropped)
        self.young: dict[bytes, RequestLine] = {}
        self._old: dict[bytes, RequestLine] = {}
        self.hosts: set[str] = set()

    def __repr__(self) -> str:
        return f"<RequestMemo {self.fields}, {len(self.young)} request lines>"

    def recall(self, raw: bytes) -> RequestLine:
        """Return a request line that is not among the young ones; raises WireError."""
        line = self._old.get(raw) or _request_line(raw)
        if len(raw) <= MEMO_LINE_BYTES:
            if len(self.young) >= MEMO_LINES:
                self._old, self.young = self.young, {}
            self.young[raw] = line
        return line

    def admit(self, line: RequestLine, host: str | None) -> str:
        """Return the authority asked for: an absolute target's wins over Host (RFC 9112 section 3.2.2)."""
        if host is None and line.version == b"HTTP/1.1":
            raise WireError("The request needs a Host field.")
        if not all(HOST.fullmatch(name) for name in (host, line.authority) if name is not None):
            raise WireError("The request needs exactly one valid Host field.")
        if host is None:
            return line.authority or ""
        if len(self.hosts) < MEMO_HOSTS and len(host) <= MAX_HOST:
            self.hosts.add(host)
        return line.authority if line.authority is not None else host


def parse_request(block: bytes, memo: RequestMemo, peer: str) -> Request:
    """Parse a head without its final empty line; raises WireError."""
    raws = block.split(b"\r\n")
    raw_line = raws.pop(0)
    line = memo.young.get(raw_line) or memo.recall(raw_line)
    lines = memo.fields.parse(raws)
    lookup = {line.name: line.value for line in lines}
    if len(lookup) != len(lines):
        lookup = _join(lines)
    host = lookup.get("host")
    if host is None or line.authority is not None or host not in memo.hosts:
        host = memo.admit(line, host)
    request = Request(line, peer, lookup, lines, host, memo.dropped)
    if "content-length" in lookup or "transfer-encoding" in lookup:
        _frame(request, lookup)
        request.is_bare = request.is_bare and request.length == 0
    connection = lookup.get("connection")
    if connection is not None:
        request.is_last = ends_connection(connection, is_old=line.version == b"HTTP/1.0")
    elif line.version == b"HTTP/1.0":
        request.is_last = True
    return request


def _request_line(raw: bytes) -> RequestLine:
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
    origin_form, authority = _target(method, target)
    return RequestLine(method, origin_form, authority, version)


def _target(method: str, target: bytes) -> tuple[str, str | None]:
    """Return the target in origin form, and the authority of an absolute one."""
    if ORIGIN_FORM.fullmatch(target) is not None:
        return target.decode("ascii"), None
    if target == b"*" and method == "OPTIONS":
        return "*", None
    found = ABSOLUTE_FORM.fullmatch(target)
    if found is None:
        raise WireError("The request target must be a path in origin form, such as /api/news?page=2.")
    path = found[2] or b"/"
    return (path if path.startswith(b"/") else b"/" + path).decode("ascii"), found[1].decode("ascii")


def _frame(request: Request, lookup: dict[str, str]) -> None:
    coding = lookup.get("transfer-encoding")
    if coding is None:
        request.length = content_length(lookup["content-length"])
        return
    if "content-length" in lookup or coding.lower() != "chunked" or request.version == b"HTTP/1.0":
        raise WireError("The request's framing is ambiguous.")
    request.length = CHUNKED


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
