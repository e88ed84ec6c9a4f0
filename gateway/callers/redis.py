"""The bounded Redis client for everything that no request waits for: it fails soon, and never tries twice."""

from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.config import schema

LEAST_SECONDS: Final = 0.05
"""A connection needs about three round trips before its first command: below this, none would ever be made."""


def client(settings: schema.Redis) -> Redis:
    """Return a client that answers or fails within `settings.timeout` a command, connecting included.

    It is the sockets that are bounded: cancelling a command would drop its connection. No connection is made yet.
    """
    seconds = max(settings.timeout, LEAST_SECONDS)
    found: Redis = Redis.from_url(
        settings.url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        client_name="crossfade",
        driver_info=None,  # else every new connection looks the library's version up on the disk
    )
    return found
