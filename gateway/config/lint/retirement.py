"""The end of the legacy side: may its upstream still be asked, may it go?"""

from collections.abc import Iterator
from datetime import UTC, datetime

from gateway.config.findings import Fault
from gateway.config.lint.known import Known
from gateway.config.lint.rule import LEGACY_RETIRED, UPSTREAM_RETIRED
from gateway.config.retirement import removed_from, retirements
from gateway.config.schema import Config


def check(config: Config, known: Known, now: float) -> Iterator[Fault]:
    """Yield unknown legacy upstreams, except of migrations that are removed, and upstreams that may be deleted."""
    for name, migration in config.migrations.items():
        path = ("migrations", name, "legacy")
        removed = removed_from(migration)
        if migration.legacy not in known.upstreams and removed <= now:
            message = f"'{migration.legacy}' is not configured any more, nor needed: removed since {_day(removed)}"
            yield LEGACY_RETIRED.broken(path, message)
        else:
            yield from known.upstream(path, migration.legacy)
    for name, end in retirements(config).items():
        if name in known.upstreams and end <= now:
            message = f"gets nothing any more, nor health checks, since {_day(end)}: it may be deleted"
            yield UPSTREAM_RETIRED.broken(("upstreams", name), message)


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
