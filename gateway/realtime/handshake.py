"""The opening handshake (RFC 6455 section 4.2): is it one, may it come from there, who says it is. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha1
from typing import Final
from urllib.parse import unquote

from gateway.core.errors import Problem, ProblemType
from gateway.core.http import Fields, RequestHead

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_BYTES: Final = 16
VERSION: Final = "13"
CROSSFADE: Final = "crossfade.v1"
TACN: Final = "tacn.v2"
PROTOCOLS: Final = (CROSSFADE, TACN)
BEARER: Final = "bearer."
PROTOCOL: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+={0,2}")
RETRY_SECONDS: Final = "5"


class Way(Enum):
    """How a token came. A bad one in the header is refused; in the other ways the socket opens to say so."""

    HEADER = auto()
    PROTOCOL = auto()
    QUERY = auto()


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, not looked at yet, as the value of `Authorization` would be."""

    way: Way
    authorization: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What handshakes are held to. `origins` are the configured ones; `*` among them stands for all.

    `schemes` are those that this gateway is reached by: a page of its own host may connect.
    """

    origins: frozenset[str]
    schemes: tuple[str, ...]
    takes_query_token: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """A good handshake. `protocol` is the one to name in the answer; None when the client named none."""

    key: str
    protocol: str | None
    credential: Credential | None

    def answer(self, request_id: str) -> bytes:
        """Return the head of the answer (section 4.2.2)."""
        accept = base64.b64encode(sha1(self.key.encode() + GUID, usedforsecurity=False).digest()).decode()
        chosen = f"Sec-WebSocket-Protocol: {self.protocol}\r\n" if self.protocol is not None else ""
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{chosen}X-Request-Id: {request_id}\r\n\r\n"
        ).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Refusal:
    """No socket; `reason` is a short word for logs and metrics."""

    problem: Problem
    reason: str
    fields: Fields = ()


def judge(head: RequestHead, host: str, rules: Rules, *, is_old: bool, has_body: bool) -> Opening | Refusal:
    """Judge a request for the socket; `host` is the authority it asked for, `is_old` says that it is HTTP/1.0."""
    upgrade = _words(head.get("upgrade"))
    connection = _words(head.get("connection"))
    if head.method != "GET":
        return _malformed(405, "A WebSocket is opened by GET.", ("Allow", "GET"))
    if "websocket" not in upgrade or "upgrade" not in connection:
        return _malformed(426, "Here is a WebSocket: ask for an upgrade.", ("Upgrade", "websocket"))
    if head.get("sec-websocket-version") != VERSION:
        return _malformed(426, "Only version 13 is spoken.", ("Sec-WebSocket-Version", VERSION))
    if is_old or has_body:
        return _malformed(400, "A handshake is HTTP/1.1 and has no body.")
    key = head.get("sec-websocket-key") or ""
    if not _is_key(key):
        return _malformed(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    if not _may_come_from(head.get("origin"), host, rules):
        return Refusal(Problem(ProblemType.FORBIDDEN, "Pages of this origin may not connect."), "origin")
    return _choose(head, key, rules)


def _choose(head: RequestHead, key: str, rules: Rules) -> Opening | Refusal:
    """Choose the protocol and find the token."""
    named = [name.strip() for name in (head.get("sec-websocket-protocol") or "").split(",") if name.strip()]
    if not all(PROTOCOL.fullmatch(name) for name in named) or len(set(named)) != len(named):
        return _malformed(400, "Sec-WebSocket-Protocol must be a list of different tokens.")
    known = next((name for name in named if name in PROTOCOLS), None)
    if named and known is None:
        return _malformed(400, f"Of the subprotocols only {' and '.join(PROTOCOLS)} are spoken.")
    return Opening(key, known, _credential(head, named, rules))


def _credential(head: RequestHead, named: list[str], rules: Rules) -> Credential | None:
    """Find the token, at the first of its places that has one; a broken one is a bad one, and not none."""
    authorization = head.get("authorization")
    if authorization is not None:
        return Credential(Way.HEADER, authorization)
    coded = next((name.removeprefix(BEARER) for name in named if name.startswith(BEARER)), None)
    if coded is not None:
        return Credential(Way.PROTOCOL, f"Bearer {_uncoded(coded)}")
    token = query_token(head.query) if rules.takes_query_token else None
    return Credential(Way.QUERY, f"Bearer {token}") if token is not None else None


def query_token(query: str) -> str | None:
    """Return the first `token` of a query."""
    for pair in query.split("&"):
        name, separator, value = pair.partition("=")
        if separator and name == "token":
            return unquote(value, errors="replace")
    return None


def _uncoded(coded: str) -> str:
    """Return the token of a subprotocol: base64url with or without padding; empty when it is none."""
    if BASE64URL.fullmatch(coded) is None:
        return ""
    try:
        return base64.urlsafe_b64decode(coded.rstrip("=") + "=" * (-len(coded.rstrip("=")) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _may_come_from(origin: str | None, host: str, rules: Rules) -> bool:
    """Without `Origin` it is no browser, and no page can have been made to connect; then anybody may."""
    if origin is None or "*" in rules.origins or origin in rules.origins:
        return True
    return origin.lower() in {f"{scheme}://{host.lower()}" for scheme in rules.schemes}


def _is_key(key: str) -> bool:
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) == KEY_BYTES


def _words(value: str | None) -> set[str]:
    return {word.strip().lower() for word in value.split(",")} if value is not None else set()


def _malformed(status: int, detail: str, *fields: tuple[str, str]) -> Refusal:
    kind = ProblemType.METHOD_NOT_ALLOWED if status == 405 else ProblemType.MALFORMED_REQUEST
    return Refusal(Problem(kind, detail, status=status), "handshake", fields)
