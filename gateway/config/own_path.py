"""The paths that the gateway answers itself, before any route, with a name for each."""

from collections.abc import Mapping
from typing import Final

from gateway.config.schema import Realtime

ALWAYS: Final[Mapping[str, str]] = {"/health": "health", "/.well-known/api-migrations": "api-migrations"}
SOCKET: Final = "ws"
SOCKET_INFO: Final = "ws-info"
SOCKET_QUOTES: Final = "ws-subscriptions"


def own_paths(realtime: Realtime | None) -> Mapping[str, str]:
    """Return them all: the WebSocket and what it tells about itself are where `realtime.path` says."""
    if realtime is None:
        return ALWAYS
    root = realtime.path.rstrip("/")
    sockets = {root or "/": SOCKET, f"{root}/info": SOCKET_INFO, f"{root}/quotes/subscriptions": SOCKET_QUOTES}
    return {**sockets, **ALWAYS}
