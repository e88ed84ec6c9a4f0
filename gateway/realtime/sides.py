"""Which side a topic's messages come from: the successor's feed, or the legacy side's stream.

It follows the percent of the family's migration by the topic's consumer: the owner of what is somebody's own, the first
who asked for what the upstream authorises, and for what is everybody's the topic itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.config.schema import Config, Realtime
from gateway.config.snapshot import Side, Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.http import RequestHead
from gateway.policy import phase
from gateway.policy.cohort import assign
from gateway.policy.verified import Verified
from gateway.realtime.family import OWNER, Address, Families, Family
from gateway.realtime.source import Source

NOWHERE = RequestHead("GET", "/", "", "", {})
"""A topic belongs to no request: of a rollout's identities only claims can be there."""


class Sides:
    """Chooses by the snapshot of the moment.

    `legacy` are the sources of legacy sides by their upstream's name; one that was removed is never asked again.
    """

    def __init__(self, snapshot: Cell[Snapshot], successor: Source, legacy: Mapping[str, Source], clock: Clock) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self.successor = successor
        self.legacy = legacy

    def __repr__(self) -> str:
        return f"<Sides {self.successor!r}, {list(self.legacy.values())}>"

    def sources(self) -> Sequence[Source]:
        """Return all of them."""
        return (self.successor, *self.legacy.values())

    def choose(self, address: Address, token: Verified) -> Source:
        """Return the source of a topic, for the first who wants it."""
        family = address.family
        migration = self._snapshot.value.migrations.get(family.migration) if family.migration is not None else None
        if migration is None or family.legacy is None or migration.legacy not in self.legacy:
            return self.successor
        calendar = migration.deprecation
        if calendar is not None and phase.at(calendar, self._clock.now()) is phase.Phase.REMOVED:
            return self.successor
        texts = {OWNER: address.topic} if family.authorize == "none" else token.texts
        side = assign(migration.rollout, NOWHERE, texts, "").side
        return self.successor if side is Side.SUCCESSOR else self.legacy[migration.legacy]


def families(realtime: Realtime | None, config: Config) -> Families:
    """Return the families that the file describes, with the migrations and legacy paths that it names or implies."""
    if realtime is None:
        return Families(())
    return Families(_complete(Family.of(name, spec), realtime, config) for name, spec in realtime.topics.items())


def legacy_upstreams(families: Iterable[Family], config: Config) -> frozenset[str]:
    """Return the upstreams that legacy streams may come from."""
    names = [family.migration for family in families if family.legacy is not None and family.migration is not None]
    return frozenset(config.migrations[name].legacy for name in names if name in config.migrations)


def _complete(family: Family, realtime: Realtime, config: Config) -> Family:
    spec = realtime.topics[family.name]
    path = spec.legacy.text if spec.legacy is not None else _streamed(family, realtime)
    migration = spec.migration or (migration_of(path, config) if path is not None else None)
    return replace(family, migration=migration, legacy=path, adapt=spec.adapt)


def _streamed(family: Family, realtime: Realtime) -> str | None:
    """Return the path of `sse` whose topics are this family's, with its parameters' names."""
    for template, topic in realtime.sse.items():
        parts = topic.split(":")
        if [None if part.startswith("{") else part for part in parts] != list(family.parts):
            continue
        path = template.text
        for part, name in zip(parts, family.names, strict=True):
            if name is not None:
                path = path.replace(part, f"{{{name}}}")
        return path
    return None


def migration_of(path: str, config: Config) -> str | None:
    """Return the migration that has a legacy endpoint with this path, whatever its parameters are called."""
    wanted = [None if part.startswith("{") else part for part in path.split("/")]
    for name, migration in config.migrations.items():
        for endpoint in migration.endpoints:
            if ["", *endpoint.legacy.template.segments] == wanted and endpoint.legacy.method == "GET":
                return name
    return None
