"""What it takes for legacy to answer in the successor's place, compiled."""

from dataclasses import dataclass
from typing import Self

from gateway.config import schema
from gateway.core.block import Block, render


@dataclass(frozen=True, slots=True)
class FallbackRule:
    """How one migration falls back: to the upstream `legacy`, for `budget` percent of the successor's calls.

    At most `concurrency` are under way at once in a process. `named` are the version headers of the successor's answers
    and of legacy's: the second takes the place of the first.
    """

    legacy: str
    budget: float
    concurrency: int
    named: tuple[Block, Block]

    @classmethod
    def of(cls, migration: schema.Migration, config: schema.Config) -> Self | None:
        """Compile a migration's; None where it has none. Half of legacy's connections are left to its own callers."""
        wanted = migration.rollout.fallback
        if not wanted.enabled:
            return None
        half = max(1, config.upstreams[migration.legacy].max_connections // 2)
        name = config.server.version_header
        sides = (migration.successor, migration.legacy)
        successor, legacy = (render(((name, side),)) if name is not None else "" for side in sides)
        return cls(migration.legacy, wanted.budget, wanted.concurrency or half, (successor, legacy))
