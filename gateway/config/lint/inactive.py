"""Keys that this version reads and checks but does not act on yet."""

from collections.abc import Callable, Iterator
from typing import Any

from gateway.config.findings import Fault, KeyPath
from gateway.config.schema import Config, Ejection, Jwks, Retries, Rollout, Upstream

MESSAGE = "is accepted but not active in this version"

SERVER: dict[KeyPath, Callable[[Config], bool]] = {
    ("server", "workers"): lambda config: config.server.workers > 1,
    ("server", "tls"): lambda config: config.server.tls is not None,
    ("server", "cors"): lambda config: config.server.cors is not None,
    ("redis",): lambda config: config.redis is not None,
    ("auth", "jwt", "jwks"): lambda config: config.auth.jwt is not None and isinstance(config.auth.jwt.jwks, Jwks),
    ("realtime",): lambda config: config.realtime is not None,
}
UPSTREAM: dict[str, Callable[[Upstream], bool]] = {
    "retries": lambda upstream: upstream.retries != Retries(),
    "ejection": lambda upstream: upstream.ejection != Ejection(),
    "endpoints": lambda upstream: len(upstream.endpoints) > 1,
}
ROLLOUT: dict[str, Callable[[Rollout], bool]] = {
    "fallback": lambda rollout: rollout.fallback,
    "shadow": lambda rollout: rollout.shadow.percent > 0,
    "ramp": lambda rollout: rollout.ramp is not None,
}
"""Key to whether it is set to anything but its default. A key leaves these tables when it becomes active."""


def check(config: Config) -> Iterator[Fault]:
    """Yield one warning for every key in the tables that is set, at its first place."""
    for path, is_set in SERVER.items():
        if is_set(config):
            yield Fault(path, MESSAGE, "warning")
    places: tuple[tuple[str, dict[str, Any], dict[str, Callable[[Any], bool]], tuple[str, ...]], ...] = (
        ("upstreams", dict(config.upstreams), UPSTREAM, ()),
        (
            "migrations",
            {name: migration.rollout for name, migration in config.migrations.items()},
            ROLLOUT,
            ("rollout",),
        ),
    )
    for section, members, table, inner in places:
        for key, is_set in table.items():
            names = [name for name, member in members.items() if is_set(member)]
            if names:
                message = MESSAGE if len(names) == 1 else f"{MESSAGE} (also in {', '.join(names[1:])})"
                yield Fault((section, names[0], *inner, key), message, "warning")
