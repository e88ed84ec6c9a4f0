"""When a failed exchange may be tried again without anybody being served twice."""

from typing import Final

RESERVE: Final = 10.0
"""Retries that are possible at once, however quiet it was before."""


class RetryBudget:
    """Owns how many retries an upstream may be burdened with: `percent` of its requests, and a small reserve."""

    def __init__(self, percent: float) -> None:
        self._share = percent / 100
        self._left = RESERVE

    def __repr__(self) -> str:
        return f"<RetryBudget {self._left:.1f} left>"

    def note_request(self) -> None:
        """Count a first attempt."""
        self._left = min(RESERVE, self._left + self._share)

    def take(self) -> bool:
        """Take one retry, if there is one left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
