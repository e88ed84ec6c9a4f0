"""Faults a backend takes on purpose, for demonstrations and tests: errors, latency and lost connections.

Owns the settings in force and the dice; never sleeps, answers or drops anything itself.
"""

import random
from dataclasses import dataclass

EXEMPT_PATHS = frozenset({"/__faults", "/health", "/api/health"})


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """Which calls are hit and how: probabilities from 0 to 1, a wait, a path prefix (none: every path)."""

    error_rate: float = 0.0
    latency_ms: float = 0.0
    drop: float = 0.0
    match: str | None = None


@dataclass(frozen=True, slots=True)
class FaultDecision:
    """What happens to one call: wait first, then lose the connection, or fail, or go on."""

    latency_seconds: float
    drops: bool
    fails: bool


class Faults:
    """The faults in force for one process."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._settings = FaultSettings()

    def __repr__(self) -> str:
        return f"<Faults {self._settings}>"

    def set(self, settings: FaultSettings) -> None:
        """Replaces the faults in force."""
        self._settings = settings

    def clear(self) -> None:
        """No faults any more."""
        self._settings = FaultSettings()

    def show(self) -> FaultSettings:
        """The faults in force."""
        return self._settings

    def plan(self, path: str) -> FaultDecision | None:
        """What to do to a call of that path; `None`: leave it alone."""
        settings = self._settings
        if settings == FaultSettings() or not _is_hit(path, settings.match):
            return None
        drops = self._dice.random() < settings.drop
        fails = not drops and self._dice.random() < settings.error_rate
        if not drops and not fails and settings.latency_ms <= 0:
            return None
        return FaultDecision(settings.latency_ms / 1000, drops, fails)


def _is_hit(path: str, match: str | None) -> bool:
    if match is None:
        return path not in EXEMPT_PATHS
    return path != "/__faults" and path.startswith(match)
