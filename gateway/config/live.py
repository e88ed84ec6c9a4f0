"""What events have made of the file: the live values, which replace those of the rules whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class LiveMigration:
    """The live values of one migration; what was never changed live is the file's.

    `percent` is 0–100, None for the file's. `extensions` are consumers' later ends in Unix seconds: they replace the
    file's, and `withdrawn` are consumers who have none, whatever the file says. `cancelled` holds the starts (Unix
    seconds) of brownouts that do not take place.
    """

    percent: float | None = None
    extensions: Mapping[str, float] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    cancelled: frozenset[float] = frozenset()


@dataclass(frozen=True, slots=True)
class Live:
    """The live values after the event `number`; 0 before the first one."""

    number: int = 0
    migrations: Mapping[str, LiveMigration] = field(default_factory=dict)


UNCHANGED: Final = Live()
"""Nothing was ever changed live."""
