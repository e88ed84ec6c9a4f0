"""`upstreams`: the backends, and how they are reached and judged."""

from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from gateway.config.schema.scalars import HOST, Count, Duration, Origin, Percent, PlainPath, Positive, filled, schema
from gateway.config.schema.server import FileName
from gateway.config.schema.strict import Strict


def _server_name(value: Any) -> str:
    """Read a name that a certificate can be for."""
    found = filled(value)
    try:
        return str(ip_address(found))
    except ValueError:
        if HOST.fullmatch(found) is None:
            raise ValueError("is not a host: write a name in ASCII, or an IP address, without a port") from None
    return found


class Health(Strict):
    """Active health checks: `healthy` good answers in a row bring an endpoint back, `unhealthy` bad ones end it."""

    path: PlainPath
    interval: Duration = 5.0
    timeout: Duration = 2.0
    healthy: Positive = 2
    unhealthy: Positive = 3


class Retries(Strict):
    """Retries of safe calls: how many for one, and the share of requests, in percent, that may be retried.

    More than one never happens: who was retried has a fresh connection.
    """

    attempts: Count = 1
    budget: Percent = 20.0


class Ejection(Strict):
    """Passive health: so many errors in a row take an endpoint out for `duration` seconds."""

    consecutive_errors: Positive = 5
    duration: Duration = Field(default=10.0, alias="for")


class UpstreamTls(Strict):
    """How `https://` endpoints are verified, and who we are to them; PEM files. It cannot be switched off.

    `ca` alone vouches for them, in place of the system's authorities; `server_name` is the name that their certificates
    are for, and that they are told (SNI), where it is not the endpoint's host.
    """

    ca: FileName | None = None
    server_name: Annotated[str, PlainValidator(_server_name), schema("string", r"^[^\s/]+$")] | None = None
    cert: FileName | None = None
    key: FileName | None = None


class Upstream(Strict):
    """One backend; times are seconds.

    `endpoints` are such as `http://127.0.0.1:8000`, `https://v1.internal:8443` or `unix:/run/v1.sock`.
    """

    endpoints: tuple[Origin, ...] = Field(min_length=1)
    tls: UpstreamTls | None = None
    health: Health | None = None
    connect_timeout: Duration = 1.0
    response_timeout: Duration = 30.0
    max_connections: Positive = 256
    retries: Retries = Retries()
    ejection: Ejection = Ejection()
