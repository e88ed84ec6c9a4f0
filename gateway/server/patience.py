"""How long to wait before the next attempt at something that keeps failing."""

from typing import Final

FIRST_SECONDS: Final = 0.25
LONGEST_SECONDS: Final = 10.0


class Patience:
    """Owns the count of failures in a row. Without any there is no wait; each further one doubles it, up to a bound."""

    def __init__(self) -> None:
        self._failures = 0

    def __repr__(self) -> str:
        return f"<Patience {self._failures} failures, {self.seconds:g} s>"

    @property
    def seconds(self) -> float:
        """How long to wait now."""
        if not self._failures:
            return 0.0
        # The bound on the exponent keeps the power a number.
        doubled = FIRST_SECONDS * 2.0 ** min(self._failures - 1, 16)
        return float(min(doubled, LONGEST_SECONDS))

    def note_failure(self) -> None:
        """Count one more."""
        self._failures += 1

    def note_success(self) -> None:
        """Begin anew."""
        self._failures = 0
