"""How fast one client may command: a bucket that is one number (GCRA)."""

from typing import Final

A_SECOND: Final = 20
BURST: Final = 128
"""Commands at once: two messages of as many as one may hold."""
PATIENCE: Final = 100
"""Refused messages in a row after which the connection is closed."""


class Pace:
    """Owns the time up to which the client has used up its commands. Refused ones are not counted, only noticed."""

    __slots__ = ("_until", "refused")

    def __init__(self) -> None:
        self._until = 0.0
        self.refused = 0

    def wait(self, count: int, now: float) -> float:
        """Take `count` commands; return 0, or after how many seconds they could be taken."""
        until = max(self._until, now) + count / A_SECOND
        surplus = until - now - BURST / A_SECOND
        if surplus > 0:
            self.refused += 1
            return surplus
        self._until = until
        self.refused = 0
        return 0.0

    @property
    def is_hopeless(self) -> bool:
        """Whether the client goes on although it is refused all the time."""
        return self.refused >= PATIENCE
