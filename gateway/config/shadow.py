"""What is copied to the successor to compare its answer, compiled."""

from dataclasses import dataclass
from typing import Self

from gateway.config import schema
from gateway.config.field import Patterns


@dataclass(frozen=True, slots=True)
class ShadowRule:
    """How one migration is shadowed: `share` (0–1) of legacy's answers are compared with those of `successor`.

    That is an upstream. What `ignore` names may differ. `is_redacted`: values are told by their kind and length only.
    """

    successor: str
    share: float
    ignore: Patterns
    is_redacted: bool

    @classmethod
    def of(cls, migration: schema.Migration) -> Self | None:
        """Compile a migration's; None where nothing is copied."""
        wanted = migration.rollout.shadow
        if not wanted.percent:
            return None
        return cls(migration.successor, wanted.percent / 100, wanted.ignore, wanted.redact)
