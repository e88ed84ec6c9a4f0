"""The file's scalars: how each is written, what it becomes, and what to write instead when it is wrong.

Every scalar may come as text, because the schema and not YAML decides its type. A message never repeats the value: the
value may be a secret, and whoever prints the message knows whether it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import IPv6Address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import PlainValidator, WithJsonSchema

from gateway.config.field import Pattern, parse
from gateway.config.template import PathTemplate, TemplateError

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MAX_DURATION = 36_525 * 86400.0
SIZE = re.compile(r"(\d{1,15})(B|KiB|MiB|GiB)", re.ASCII)
SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""An HTTP token (RFC 9110 section 5.6.2): header and cookie names."""
SCOPE = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
LABEL = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"
HOST = re.compile(rf"{LABEL}(?:\.{LABEL})*\.?", re.ASCII)
"""A host's name or IPv4 address; labels of at most 63 characters, as a resolver takes them."""
UNIX_SOCKET = re.compile(r"unix:/[^\x00-\x20\x7f?#]+")
MAX_SOCKET_BYTES = 107
IDENTITY_FORMS = "claim:NAME, header:NAME, cookie:NAME or ip"
INTERPOLATED = {"type": "string", "pattern": r"\$\{"}


@dataclass(frozen=True, slots=True)
class Address:
    """A host and port to listen on; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Moment:
    """A date of the calendar: Unix seconds, or seconds after the announcement."""

    seconds: float
    is_relative: bool = False

    def resolve(self, announced: float) -> float:
        """Return Unix seconds."""
        return announced + self.seconds if self.is_relative else self.seconds


@dataclass(frozen=True, slots=True)
class Call:
    """A method and a path template; `method` None means any."""

    method: str | None
    template: PathTemplate

    def __str__(self) -> str:
        return f"{self.method} {self.template}" if self.method else str(self.template)


def text(value: Any) -> str:
    """Read a text; numbers and booleans of other sources than YAML become what they look like in YAML."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValueError(
        "must be one text, not a list or mapping" if value is not None else "must not be empty: write a text"
    )


def filled(value: Any) -> str:
    """Read a text that is not empty."""
    found = text(value)
    if not found:
        raise ValueError("must not be empty: write a text")
    return found


def boolean(value: Any) -> bool:
    """Read true or false."""
    found = text(value).lower()
    if found in {"true", "false"}:
        return found == "true"
    raise ValueError("is not a yes or no: write true or false")


def number(value: Any) -> Decimal:
    """Read a finite decimal number."""
    try:
        found = Decimal(text(value))
    except InvalidOperation:
        raise ValueError("is not a number: write digits, such as 10 or 2.5") from None
    if not found.is_finite() or abs(found) > Decimal(10) ** 15:
        raise ValueError("is not a number that makes sense here: write digits, such as 10 or 2.5")
    return found


def whole(minimum: int, maximum: int) -> Callable[[Any], int]:
    """Return the reader of a whole number between two bounds."""

    def read(value: Any) -> int:
        found = number(value)
        if found != int(found) or not minimum <= found <= maximum:
            raise ValueError(f"must be a whole number from {minimum} to {maximum}")
        return int(found)

    return read


def percent(value: Any) -> float:
    """Read a percentage from 0 to 100 with at most three decimals."""
    if isinstance(value, str) and value.endswith("%"):
        raise ValueError("is not a number: leave the % away")
    found = number(value)
    if not 0 <= found <= 100:
        raise ValueError("is not a percentage: write a number from 0 to 100")
    if found * 1000 != int(found * 1000):
        raise ValueError("has more than three decimals: the smallest step is 0.001")
    return float(found)


def ratio(value: Any) -> float:
    """Read a factor of at least 1."""
    found = number(value)
    if not 1 <= found <= 1000:
        raise ValueError("is not a factor: write a number from 1 to 1000")
    return float(found)


def proportion(value: Any) -> float:
    """Read a part of a whole, above 0 and at most 1."""
    found = number(value)
    if not 0 < found <= 1:
        raise ValueError("is not a part of a whole: write a number above 0 and up to 1, such as 0.25")
    return float(found)


def duration(value: Any) -> float:
    """Read a duration and return seconds."""
    match = DURATION.fullmatch(text(value))
    if match is None:
        raise ValueError("is not a duration: write a number with ms, s, m, h or d, such as 500ms, 30s, 5m, 1h or 1d")
    found = float(match[1]) * DURATION_UNITS[match[2]]
    if found > MAX_DURATION:
        raise ValueError("is longer than 100 years: write a duration such as 30s, 1h or 90d")
    return found


def positive_duration(value: Any) -> float:
    """Read a duration that is longer than nothing."""
    found = duration(value)
    if found <= 0:
        raise ValueError("must be longer than 0: write a duration such as 500ms or 30s")
    return found


def size(value: Any) -> int:
    """Read a size and return bytes."""
    match = SIZE.fullmatch(text(value))
    if match is None or int(match[1]) == 0:
        raise ValueError("is not a size: write a whole number with B, KiB, MiB or GiB, such as 8KiB or 10MiB")
    return int(match[1]) * SIZE_UNITS[match[2]]


def moment(value: Any) -> Moment:
    """Read an ISO 8601 date or time, or `+30d` relative to the announcement."""
    found = text(value)
    if found.startswith("+"):
        return Moment(duration(found[1:]), is_relative=True)
    try:
        parsed = datetime.fromisoformat(found)
        parsed = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
        if not 1970 < parsed.year < 3000:
            raise ValueError("no year of a calendar like this")
        return Moment(parsed.timestamp())
    except ValueError:
        raise ValueError(
            "is not a date: write ISO 8601, such as 2027-01-31 or 2027-01-31T09:00Z, or +30d after the announcement"
        ) from None


def absolute_moment(value: Any) -> Moment:
    """Read a date that depends on no other."""
    try:
        found = moment(value)
    except ValueError:
        found = None
    if found is None or found.is_relative:
        raise ValueError("must be a date of its own, such as 2027-01-31: the others may be relative to it")
    return found


def address(value: Any) -> Address:
    """Read `host:port` or `[ipv6]:port`."""
    host, separator, port = text(value).rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not separator or not bare or (":" in bare and bare == host) or re.search(r"[\s/\[\]@]", bare):
        raise ValueError("is not an address: write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("has no good port: write a number from 0 to 65535 after the colon")
    return Address(bare, int(port))


def origin(value: Any) -> str:
    """Read an upstream's endpoint, `http://host:port`, `https://host:port` or `unix:/path`; no slash at its end."""
    found = text(value)
    if found.startswith("unix:"):
        return _unix_socket(found)
    parts = _split(found, {"http", "https"})
    if parts is None or parts.username is not None or parts.path not in {"", "/"} or "?" in found or "#" in found:
        raise ValueError(
            "is not an origin: write http://HOST:PORT or https://HOST:PORT, without a path or user, or unix:/PATH"
        )
    is_good = _is_ipv6(parts.hostname) if "[" in found else HOST.fullmatch(parts.hostname) is not None
    if not is_good:
        raise ValueError("has no good host: write an IP address, or a name in ASCII (xn--… for others)")
    return found.rstrip("/")


def _unix_socket(found: str) -> str:
    if not UNIX_SOCKET.fullmatch(found):
        raise ValueError("is not a socket: write unix: and an absolute path without spaces, such as unix:/run/v1.sock")
    if len(found.encode()) - len("unix:") > MAX_SOCKET_BYTES:
        raise ValueError(f"is too long: the system takes at most {MAX_SOCKET_BYTES} bytes for the path of a socket")
    return found


def _is_ipv6(host: str) -> bool:
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


def web_url(value: Any) -> str:
    """Read an absolute http(s) URL that can stand in a Link header."""
    found = text(value)
    if _split(found, {"http", "https"}) is None or re.search(r"[<>\"\s]|[^\x21-\x7e]", found):
        raise ValueError("is not a URL: write https://HOST/PATH, with special characters percent-encoded")
    return found


def _split(value: str, schemes: set[str]) -> Any:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if valid and not re.search(r"\s", value) else None


def name(value: Any) -> str:
    """Read the name of something, good for URLs, labels and commands."""
    found = text(value)
    if not NAME.fullmatch(found):
        raise ValueError("is not a name: use up to 64 letters, digits, _ and -, beginning with a letter or digit")
    return found


def header_name(value: Any) -> str:
    """Read the name of a header field or cookie."""
    found = text(value)
    if not TOKEN.fullmatch(found):
        raise ValueError("is not a header name: write a name such as X-User-Id")
    return found


def identity(value: Any) -> str:
    """Read where an identity comes from, such as `claim:sub`."""
    found = text(value)
    kind, separator, rest = found.partition(":")
    if found == "ip" or (kind == "claim" and rest):
        return found
    if separator and kind in {"header", "cookie"} and TOKEN.fullmatch(rest):
        return found
    raise ValueError(f"is not an identity: write {IDENTITY_FORMS}")


def quota_identity(value: Any) -> str:
    """Read an identity that a quota counts by; `consumer` stands for auth.consumer."""
    if value == "consumer":
        return "consumer"
    try:
        return identity(value)
    except ValueError:
        raise ValueError(f"is not an identity: write consumer, {IDENTITY_FORMS}") from None


def scope(value: Any) -> str:
    """Read one scope, or several that are needed together (RFC 6749 section 3.3)."""
    found = text(value)
    if not SCOPE.fullmatch(found):
        raise ValueError("is not a scope: write one such as quotes:write, or several with single spaces between them")
    return found


def path(value: Any) -> PathTemplate:
    """Read a path template."""
    try:
        return PathTemplate.parse(text(value))
    except TemplateError as error:
        raise ValueError(f"is not a path: {error}") from None


def field_pattern(value: Any) -> Pattern:
    """Read a pattern of fields."""
    return parse(text(value))


def plain_path(value: Any) -> str:
    """Read a path without parameters."""
    found = path(value)
    if not found.is_literal:
        raise ValueError("must be a path without parameters, such as /health")
    return found.text


def route_match(value: Any) -> Call:
    """Read `METHOD /path`, or `/path` for any method."""
    found = text(value)
    return Call(None, path(found)) if found.startswith("/") else call(found)


def call(value: Any) -> Call:
    """Read `METHOD /path`."""
    method, separator, rest = text(value).partition(" ")
    if not separator or not rest.startswith("/"):
        raise ValueError('is not a call: write METHOD /path, such as "GET /api/favorites/{id}"')
    if method == "HEAD":
        raise ValueError("is not a call of its own: write GET, because HEAD is served where GET is")
    if method not in METHODS:
        raise ValueError(f"has no known method: write one of {', '.join(METHODS)}")
    return Call(method, path(rest))


def schema(kind: str, pattern: str | None = None, **more: object) -> WithJsonSchema:
    """Return what editors are told about a scalar; `${…}` is always possible."""
    described: dict[str, Any] = {"type": kind, **({"pattern": pattern} if pattern else {}), **more}
    if kind == "string" and pattern is None:
        return WithJsonSchema(described)
    return WithJsonSchema({"anyOf": [described, INTERPOLATED]})


Text = Annotated[str, PlainValidator(text), schema("string")]
FilledText = Annotated[str, PlainValidator(filled), schema("string", minLength=1)]
ConditionText = Annotated[str, PlainValidator(text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Boolean = Annotated[bool, PlainValidator(boolean), schema("boolean")]
Positive = Annotated[int, PlainValidator(whole(1, 10**9)), schema("integer", minimum=1)]
Count = Annotated[int, PlainValidator(whole(0, 10**9)), schema("integer", minimum=0)]
Status = Annotated[int, PlainValidator(whole(200, 599)), schema("integer", minimum=200, maximum=599)]
Percent = Annotated[float, PlainValidator(percent), schema("number", minimum=0, maximum=100)]
Ratio = Annotated[float, PlainValidator(ratio), schema("number", minimum=1)]
Proportion = Annotated[float, PlainValidator(proportion), schema("number", exclusiveMinimum=0, maximum=1)]
Duration = Annotated[float, PlainValidator(positive_duration), schema("string", rf"^{DURATION.pattern}$")]
DurationOrNone = Annotated[float, PlainValidator(duration), schema("string", rf"^{DURATION.pattern}$")]
Size = Annotated[int, PlainValidator(size), schema("string", rf"^{SIZE.pattern}$")]
Date = Annotated[Moment, PlainValidator(absolute_moment), schema("string", r"^\d{4}-\d{2}-\d{2}")]
RelativeDate = Annotated[Moment, PlainValidator(moment), schema("string", r"^(\+\d|\d{4}-\d{2}-\d{2})")]
Listen = Annotated[Address, PlainValidator(address), schema("string", r"^.+:\d{1,5}$")]
Origin = Annotated[str, PlainValidator(origin), schema("string", r"^(https?://[^/]+/?|unix:/\S+)$")]
WebUrl = Annotated[str, PlainValidator(web_url), schema("string", r"^https?://")]
Name = Annotated[str, PlainValidator(name), schema("string", rf"^{NAME.pattern}$")]
HeaderName = Annotated[str, PlainValidator(header_name), schema("string", r"^[^\s:]+$")]
IdentityText = Annotated[str, PlainValidator(identity), schema("string", r"^(ip|(claim|header|cookie):.+)$")]
QuotaIdentityText = Annotated[
    str, PlainValidator(quota_identity), schema("string", r"^(consumer|ip|(claim|header|cookie):.+)$")
]
ScopeText = Annotated[str, PlainValidator(scope), schema("string", minLength=1)]
FieldPattern = Annotated[Pattern, PlainValidator(field_pattern), schema("string", minLength=1)]
Path = Annotated[PathTemplate, PlainValidator(path), schema("string", r"^/")]
PlainPath = Annotated[str, PlainValidator(plain_path), schema("string", r"^/[^{}]*$")]
EndpointCall = Annotated[Call, PlainValidator(call), schema("string", rf"^({'|'.join(METHODS)}) /")]
RouteMatch = Annotated[Call, PlainValidator(route_match), schema("string", rf"^(({'|'.join(METHODS)}) )?/")]
