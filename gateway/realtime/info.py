"""What the WebSocket tells about itself, for machines: `/ws/info` and `/ws/quotes/subscriptions`. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from gateway.config.schema import RealtimeLimits
from gateway.realtime.handshake import PROTOCOLS
from gateway.realtime.port import Hub
from gateway.realtime.saying import HEARTBEAT_SECONDS

WAYS: Final = ("header", "subprotocol", "command")
QUOTES: Final = "quotes:"


def info(
    hub: Hub, limits: RealtimeLimits, connections: int, uptime_seconds: float, *, takes_query_token: bool
) -> Mapping[str, Any]:
    """Describe the socket of this process; `subscriptions` are counted by the first part of their topics."""
    subscriptions: Counter[str] = Counter()
    for topic, count in hub.topics().items():
        subscriptions[topic.partition(":")[0]] += count
    return {
        "protocols": list(PROTOCOLS),
        "auth": [*WAYS, "query"] if takes_query_token else list(WAYS),
        "heartbeat_ms": round(HEARTBEAT_SECONDS * 1000),
        "limits": {
            "connections": limits.connections,
            "connections_per_consumer": limits.connections_per_consumer,
            "topics": limits.subscriptions,
            "frame_bytes": limits.message,
            "idle_ms": round(limits.idle * 1000),
        },
        "connections": connections,
        "subscriptions": dict(subscriptions),
        "topics": list(hub.families()),
        "feeds": [asdict(state) for state in hub.feeds()],
        "uptime_seconds": round(uptime_seconds, 3),
    }


def quotes(hub: Hub) -> Mapping[str, Any]:
    """Tell how many subscribers each symbol has."""
    found = hub.topics().items()
    symbols = {topic.removeprefix(QUOTES): count for topic, count in found if topic.startswith(QUOTES)}
    return {"total": sum(symbols.values()), "symbols": symbols}
