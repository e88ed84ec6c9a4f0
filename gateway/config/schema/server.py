"""`server`: where the gateway listens, and how much of anything it takes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from gateway.config.schema.scalars import (
    Address,
    Boolean,
    Count,
    Duration,
    FilledText,
    HeaderName,
    Listen,
    Name,
    Positive,
    Size,
    Text,
    filled,
)
from gateway.config.schema.strict import Strict


def _near_the_file(value: object, info: ValidationInfo) -> Path:
    """Read a file name; a relative one is looked up beside the configuration file."""
    folder = info.context.get("folder") if info.context else None
    return Path(folder or "", filled(value))


FileName = Annotated[Path, PlainValidator(_near_the_file), WithJsonSchema({"type": "string", "minLength": 1})]


class AdminToken(Strict):
    """One bearer token of the admin listener."""

    name: Name
    role: Literal["viewer", "operator"] = "viewer"
    token: Text = Field(repr=False)


class Admin(Strict):
    """The admin listener, which is never public."""

    listen: Listen = Address("127.0.0.1", 9901)
    tokens: tuple[AdminToken, ...] = ()


class Tls(Strict):
    """Certificate and key of the public listener, in PEM."""

    cert: FileName
    key: FileName


class Limits(Strict):
    """Bounds on what a client may send. Sizes are bytes, times seconds."""

    request_line: Size = 8 << 10
    headers: Size = 32 << 10
    header_count: Positive = 100
    body: Size = 10 << 20
    connections: Positive = 10_000
    header_timeout: Duration = 10.0
    body_timeout: Duration = 30.0
    keep_alive: Duration = 75.0


class AccessLog(Strict):
    """Whether requests are noted, and which share of them, 0–1."""

    enabled: Boolean = True
    sample: float = Field(default=1.0, gt=0, le=1)

    @property
    def share(self) -> float:
        """The share of requests that are noted; 0 when it is switched off."""
        return self.sample if self.enabled else 0.0


class Cors(Strict):
    """Which browsers' pages may call us."""

    origins: tuple[FilledText, ...] = Field(min_length=1)
    credentials: Boolean = False
    max_age: Duration = 3600.0


class Server(Strict):
    """The process: its listeners, limits and end. Times are seconds."""

    listen: Listen = Address("127.0.0.1", 8080)
    admin: Admin = Admin()
    workers: Positive = 1
    tls: Tls | None = None
    trusted_hops: Count = 0
    limits: Limits = Limits()
    drain: Duration = 30.0
    version_header: HeaderName | None = "X-Served-By"
    access_log: AccessLog = AccessLog()
    cors: Cors | None = None
