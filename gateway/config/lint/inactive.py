"""Keys that this version reads and checks but does not act on yet."""

from collections.abc import Callable, Iterator

from gateway.config.findings import Fault
from gateway.config.schema import Config, Rollout

MESSAGE = "is accepted but not active in this version"

ROLLOUT: dict[str, Callable[[Rollout], bool]] = {
    "shadow": lambda rollout: rollout.shadow.percent > 0,
}
"""Key to whether it is set to anything but its default. A key leaves these tables when it becomes active."""


def check(config: Config) -> Iterator[Fault]:
    """Yield one warning for every key in the tables that is set, at its first place."""
    for key, is_set_in in ROLLOUT.items():
        names = [name for name, migration in config.migrations.items() if is_set_in(migration.rollout)]
        if names:
            message = MESSAGE if len(names) == 1 else f"{MESSAGE} (also in {', '.join(names[1:])})"
            yield Fault(("migrations", names[0], "rollout", key), message, "warning")
