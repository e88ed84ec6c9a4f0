"""`upstreams`: the backends, and how they are reached and judged."""

from pydantic import Field

from gateway.config.schema.scalars import Count, Duration, Origin, Percent, PlainPath, Positive
from gateway.config.schema.strict import Strict


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


class Upstream(Strict):
    """One backend; times are seconds.

    `endpoints` are such as `http://127.0.0.1:8000`, `https://v1.internal:8443` or `unix:/run/v1.sock`.
    """

    endpoints: tuple[Origin, ...] = Field(min_length=1)
    health: Health | None = None
    connect_timeout: Duration = 1.0
    response_timeout: Duration = 30.0
    max_connections: Positive = 256
    retries: Retries = Retries()
    ejection: Ejection = Ejection()
