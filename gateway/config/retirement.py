"""When an upstream has nothing left to do: the legacy side of migrations that are removed, and nobody else's."""

from collections.abc import Mapping
from math import inf

from gateway.config.calendar import dates
from gateway.config.schema import Config, Migration, own_calendar


def retirements(config: Config) -> Mapping[str, float]:
    """Return from when on (Unix seconds) each legacy upstream gets nothing any more, infinity where that is never.

    Live values have no say: `removed` ends extensions too.
    """
    ends: dict[str, float] = {}
    for migration in config.migrations.values():
        ends[migration.legacy] = max(removed_from(migration), ends.get(migration.legacy, -inf))
    return {name: end if name not in _kept(config) else inf for name, end in ends.items()}


def removed_from(migration: Migration) -> float:
    """Return from when on all of a migration's endpoints are removed."""
    common = migration.deprecation
    calendars = (
        own_calendar(common, endpoint.deprecation) if endpoint.deprecation is not None else common
        for endpoint in migration.endpoints
    )
    return max(dates(one).get("removed", inf) if one is not None else inf for one in calendars)


def _kept(config: Config) -> frozenset[str]:
    """Return the upstreams that others than legacy sides use."""
    names = {route.upstream for route in config.routes}
    names |= {migration.successor for migration in config.migrations.values()}
    return frozenset(names | ({config.realtime.upstream} if config.realtime is not None else set()))
