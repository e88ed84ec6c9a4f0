"""A strict RFC 9112 reading of what a proxy wrote: one request at a time, with everything odd about it named."""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")
REQUEST_LINE = re.compile(rb"^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])$")
ODD_VERSION = re.compile(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e\x80-\xff]+ HTTP/\d\.\d$")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
DIGITS = re.compile(rb"^[0-9]{1,18}$")
CHUNK_LINE = re.compile(rb"^([0-9A-Fa-f]{1,16})([ \t]*;.*)?$", re.DOTALL)
MILD = ("host-count-0", "odd-version", "ctl-in-value")
"""Wrong, but no second request can come of it."""


class MoreNeededError(Exception):
    """The buffer ends inside the request."""


class JunkError(Exception):
    """What follows cannot be read; the message is the finding."""


@dataclass
class Request:
    """One request as a strict backend reads it; `lint` holds what is wrong with it."""

    method: bytes
    target: bytes
    minor: int
    headers: list[tuple[bytes, bytes]]
    lint: list[str]
    body: bytes = b""
    raw: bytes = b""
    is_junk: bool = False
    trailers: list[bytes] = field(default_factory=list)
    connection: int = 0

    def values(self, name: bytes) -> list[bytes]:
        """Return every value of a field, the name in lower case."""
        return [value for key, value in self.headers if key == name]


def parse(data: bytes) -> tuple[Request, int] | None:
    """Read one request at the start of `data`; returns it with its length, or None when more bytes are needed."""
    blank = 0
    while data[blank : blank + 2] == b"\r\n":  # RFC 9112 section 2.2: ignore empty lines before the request line
        blank += 2
    try:
        request, used = _parse_one(data[blank:])
    except MoreNeededError:
        return None
    return request, blank + used


def _parse_one(data: bytes) -> tuple[Request, int]:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise MoreNeededError
    request = _lint_head(data[: end + 4])
    position = end + 4
    lengths, codings = request.values(b"content-length"), request.values(b"transfer-encoding")
    if codings and codings[-1].lower().endswith(b"chunked"):
        try:
            position = _read_chunks(request, data, position)
        except JunkError as junk:
            request.lint.append(str(junk))
            request.raw, request.is_junk = data, True
            return request, len(data)
    elif lengths and DIGITS.match(lengths[0]):
        size = int(lengths[0])
        if len(data) < position + size:
            raise MoreNeededError
        request.body = data[position : position + size]
        position += size
    request.raw = data[:position]
    return request, position


def _lint_head(head: bytes) -> Request:
    """Read a head, up to and including its empty line."""
    lint = []
    if b"\x00" in head:
        lint.append("NUL")
    if re.search(rb"\r(?!\n)", head):
        lint.append("bare-CR")
    if re.search(rb"(?<!\r)\n", head):
        lint.append("bare-LF")
    lines = head[:-4].split(b"\r\n")
    if found := REQUEST_LINE.match(lines[0]):
        method, target, minor = found.group(1), found.group(2), int(found.group(3))
    else:
        lint.append("odd-version" if ODD_VERSION.match(lines[0]) else "bad-request-line")
        parts = lines[0].split(b" ")
        method, target, minor = parts[0], parts[1] if len(parts) > 1 else b"", 1
    request = Request(method, target, minor, [], lint)
    for line in lines[1:]:
        _lint_line(request, line)
    _lint_framing(request)
    return request


def _lint_line(request: Request, line: bytes) -> None:
    if line[:1] in {b" ", b"\t"}:
        request.lint.append("obs-fold")
        return
    name, separator, value = line.partition(b":")
    if not separator:
        request.lint.append("no-colon")
        return
    if not TOKEN.match(name):
        request.lint.append("bad-field-name")
    value = value.strip(b" \t")
    if CONTROL.search(value):
        request.lint.append("ctl-in-value")
    request.headers.append((name.strip().lower(), value))


def _lint_framing(request: Request) -> None:
    lengths, codings = request.values(b"content-length"), request.values(b"transfer-encoding")
    hosts = len(request.values(b"host"))
    if lengths and codings:
        request.lint.append("CL+TE")
    if len(lengths) > 1:
        request.lint.append("dup-CL")
    if any(not DIGITS.match(value) for value in lengths):
        request.lint.append("bad-CL")
    if len(codings) > 1 or any(value.lower() != b"chunked" for value in codings):
        request.lint.append("odd-TE")
    if codings and request.minor == 0:
        request.lint.append("TE-in-1.0")
    if hosts != 1 and request.minor == 1:
        request.lint.append(f"host-count-{hosts}")


def _read_chunks(request: Request, data: bytes, position: int) -> int:
    while True:
        line, position = _line(data, position)
        found = CHUNK_LINE.match(line)
        if not found:
            raise JunkError("bad-chunk-line")
        if found.group(2) and re.search(rb"[\r\n\x00]", found.group(2)):
            request.lint.append("ctl-in-chunk-ext")
        size = int(found.group(1), 16)
        if size == 0:
            return _read_trailers(request, data, position)
        end = data[position + size : position + size + 2]
        if len(data) < position + size + 2:
            if len(data) >= position + size and end not in {b"", b"\r"}:
                raise JunkError("bad-chunk-end")
            raise MoreNeededError
        request.body += data[position : position + size]
        if end != b"\r\n":
            raise JunkError("bad-chunk-end")
        position += size + 2


def _read_trailers(request: Request, data: bytes, position: int) -> int:
    while True:
        line, position = _line(data, position)
        if not line:
            return position
        request.trailers.append(line)
        if re.search(rb"[\x00\r\n]", line) or not TOKEN.match(line.partition(b":")[0]):
            request.lint.append("bad-trailer")


def _line(data: bytes, position: int) -> tuple[bytes, int]:
    end = data.find(b"\r\n", position)
    if end < 0:
        raise MoreNeededError
    return data[position:end], end + 2
