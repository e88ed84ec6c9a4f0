"""Names that are used: do the things they name exist?"""

from collections.abc import Iterable, Iterator, Mapping

from gateway.config.findings import Fault, KeyPath, suggestion
from gateway.config.lint.known import Known
from gateway.config.schema import Config, Migration, Topic


def check(config: Config, known: Known) -> Iterator[Fault]:
    """Yield unknown names (legacy sides are looked at elsewhere), costs nobody can pay, migrations that go nowhere."""
    for position, route in enumerate(config.routes):
        yield from known.upstream(("routes", position, "upstream"), route.upstream)
        yield from known.quota(("routes", position, "quotas"), route.quotas)
        yield from _cost(("routes", position, "cost"), route.cost, route.quotas, config)
    for name, migration in config.migrations.items():
        yield from _migration(("migrations", name), migration, config, known)
    if config.realtime is not None:
        yield from known.upstream(("realtime", "upstream"), config.realtime.upstream)
        yield from _topics(config.realtime.topics, config, known)


def _topics(topics: Mapping[str, Topic], config: Config, known: Known) -> Iterator[Fault]:
    for name, topic in topics.items():
        path = ("realtime", "topics", name)
        if topic.adapt is not None:
            yield from known.adapter((*path, "adapt"), topic.adapt)
        if topic.migration is not None and topic.migration not in config.migrations:
            hint = suggestion(topic.migration, config.migrations)
            yield Fault((*path, "migration"), f"there is no migration '{topic.migration}'; {hint}")


def _migration(path: KeyPath, migration: Migration, config: Config, known: Known) -> Iterator[Fault]:
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
        names = migration.quotas if endpoint.quotas is None else endpoint.quotas
        yield from _cost((*here, "cost"), endpoint.cost, names, config)


def _cost(path: KeyPath, cost: int, names: Iterable[str], config: Config) -> Iterator[Fault]:
    for name in names:
        quota = config.quotas.get(name)
        least = min(quota.quota, *(tier.quota for tier in quota.tiers), quota.quota) if quota is not None else cost
        if cost > least:
            yield Fault(path, f"is more than the quota '{name}' ({least}) ever allows, so nobody could call this")
