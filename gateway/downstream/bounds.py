"""Which heads are refused for their size, or before they are complete, and whose those are. Pure."""

import re
from typing import Final

from gateway.config.schema import Limits
from gateway.downstream.fault import RequestFault
from gateway.wire.line import HOPELESS

type Fault = tuple[RequestFault, str]

FIRST: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]")
ORIGIN: Final = re.compile(rb"\r\n[Oo][Rr][Ii][Gg][Ii][Nn]:[ \t]*([\x21-\x7e]+)[ \t]*(?=\r\n)")
TOO_MANY_FIELDS: Final = "The header fields are too large or too many."
TOO_LONG: Final = "The request line is too long."


def size_fault(block: bytes, limits: Limits) -> Fault | None:
    """Say what is too large in a complete head, given without its final empty line."""
    line = block.find(b"\r\n")
    if (line if line >= 0 else len(block)) > limits.request_line:
        return RequestFault.LINE_TOO_LONG, TOO_LONG
    if len(block) - line > limits.headers:
        return RequestFault.HEADERS_TOO_LARGE, TOO_MANY_FIELDS
    return None


def begun_fault(data: bytes, limits: Limits) -> Fault | None:
    """Say why the beginning of a head can never become a good one."""
    line = data.find(b"\r\n")
    if line > limits.request_line or (line < 0 and len(data) > limits.request_line):
        return RequestFault.LINE_TOO_LONG, TOO_LONG
    if len(data) - max(line, 0) > limits.headers:
        return RequestFault.HEADERS_TOO_LARGE, TOO_MANY_FIELDS
    if data != b"\r" and (HOPELESS.search(data) is not None or FIRST.match(data) is None):
        return RequestFault.MALFORMED, "This is not a valid HTTP/1.1 request."
    return None


def origin_in(begun: bytes) -> str | None:
    """Return the one `Origin` of a head that is refused without having been parsed, as far as it has arrived.

    It decides only whether a page may read that refusal.
    """
    found = ORIGIN.findall(begun)
    return found[0].decode("ascii") if len(found) == 1 else None


def too_large(limits: Limits) -> str:
    """Word the refusal of a body."""
    return f"The body is larger than {limits.body} bytes."
