"""When a failed exchange may be tried again without burdening a backend that is in trouble."""

from typing import Final

RESERVE: Final = 10.0
"""Retries that are possible at once, however quiet it was before."""


class RetryBudget:
    """Owns how many retries an upstream may be burdened with: `percent` of its requests, and a small reserve."""

    __slots__ = ("_left", "_seen", "_share")

    def __init__(self, percent: float) -> None:
        self._share = percent / 100
        self._left = RESERVE if percent else 0.0
        self._seen = 0

    def __repr__(self) -> str:
        return f"<RetryBudget {self._left:.1f} left>"

    def take(self, requests: int) -> bool:
        """Take one retry, if there is one left after so many requests in all."""
        self._left = min(RESERVE, self._left + (requests - self._seen) * self._share)
        self._seen = requests
        if self._left < 1:
            return False
        self._left -= 1
        return True
