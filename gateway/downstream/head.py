"""From aiohttp's request to our RequestHead, refusing what two parsers could read differently.

llhttp has parsed the bytes strictly; the checks here are the ones it leaves to its users (RFC 9112 sections 2.2, 3.2
and 6.1). Nothing is ever decoded: path, query and values go on as the client wrote them.
"""

import re
from typing import Final

from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11

from gateway.config.schema import Limits
from gateway.core.http import Fields, RequestHead
from gateway.downstream.fault import RequestError, RequestFault

TARGET: Final = re.compile(r"/[!-\"$-~]*")
"""Origin form: visible ASCII without a fragment."""

HOST: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""RFC 3986 `host [":" port]` without userinfo, and without the comma that proxies join repeated fields with."""

REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE"})


def read_head(request: web.BaseRequest, limits: Limits) -> RequestHead:
    """Return the request's head; raises RequestError."""
    if request.version not in {HttpVersion10, HttpVersion11}:
        raise _malformed("Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    if request.method in REFUSED_METHODS:
        raise _malformed(f"{request.method} is not served here.")
    target = request.raw_path
    if not TARGET.fullmatch(target):
        raise _malformed("The request target must be a path in origin form, such as /api/news?page=2.")
    fields = _fields(request, limits)
    head = RequestHead.of(request.method, target, fields, peer=request.remote or "")
    _check_host(fields)
    _check_framing(request, fields)
    return head


def _malformed(detail: str) -> RequestError:
    return RequestError(RequestFault.MALFORMED, detail)


def _fields(request: web.BaseRequest, limits: Limits) -> Fields:
    raw = request.raw_headers
    size = sum(len(name) + len(value) + 4 for name, value in raw)
    if size > limits.headers or len(raw) > limits.header_count:
        raise RequestError(RequestFault.HEADERS_TOO_LARGE, "The header fields are too large or too many.")
    try:
        return tuple((name.decode("ascii"), value.decode()) for name, value in raw)
    except UnicodeDecodeError:
        # aiohttp writes fields as UTF-8 and would drop what is not, so such a field could not be passed on as it is.
        raise _malformed("A header field is not valid UTF-8.") from None


def _check_host(fields: Fields) -> None:
    hosts = [value for name, value in fields if name.lower() == "host"]
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        raise _malformed("The request needs exactly one valid Host field.")


def _check_framing(request: web.BaseRequest, fields: Fields) -> None:
    codings = [value.strip().lower() for name, value in fields if name.lower() == "transfer-encoding"]
    if not codings:
        return
    has_length = any(name.lower() == "content-length" for name, _ in fields)
    if codings != ["chunked"] or has_length or request.version == HttpVersion10:
        raise _malformed("The request's framing is ambiguous.")
