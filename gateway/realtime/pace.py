"""How fast one client may command: a bucket that is one number (the generic cell rate algorithm). Pure."""

from typing import Final

A_SECOND: Final = 20
BURST: Final = 128
"""Commands at once: two messages of as many as one may hold."""
PATIENCE: Final = 100
"""Refused messages in a row after which the connection is closed."""


def wait(until: float, count: int, now: float) -> tuple[float, float]:
    """Take `count` commands, where `until` is when the client will have used up what it took before.

    Return 0 and the new `until`; or after how many seconds they could be taken, and the old one.
    """
    later = max(until, now) + count / A_SECOND
    surplus = later - now - BURST / A_SECOND
    return (surplus, until) if surplus > 0 else (0.0, later)
