"""Names that are used: do the things they name exist?"""

from collections.abc import Iterator

from gateway.config.findings import Fault, KeyPath
from gateway.config.lint.known import Known
from gateway.config.schema import Config, Migration


def check(config: Config, known: Known) -> Iterator[Fault]:
    """Yield unknown upstreams, adapters and quotas, and migrations that go nowhere."""
    for position, route in enumerate(config.routes):
        yield from known.upstream(("routes", position, "upstream"), route.upstream)
        yield from known.quota(("routes", position, "quotas"), route.quotas)
    for name, migration in config.migrations.items():
        yield from _migration(("migrations", name), migration, known)
    if config.realtime is not None:
        yield from known.upstream(("realtime", "upstream"), config.realtime.upstream)


def _migration(path: KeyPath, migration: Migration, known: Known) -> Iterator[Fault]:
    yield from known.upstream((*path, "legacy"), migration.legacy)
    yield from known.upstream((*path, "successor"), migration.successor)
    if migration.legacy == migration.successor:
        yield Fault((*path, "successor"), f"is '{migration.successor}' like legacy; name the other upstream")
    yield from known.quota((*path, "quotas"), migration.quotas)
    for position, endpoint in enumerate(migration.endpoints):
        here = (*path, "endpoints", position)
        if endpoint.adapt is not None:
            yield from known.adapter((*here, "adapt"), endpoint.adapt)
        if endpoint.quotas is not None:
            yield from known.quota((*here, "quotas"), endpoint.quotas)
