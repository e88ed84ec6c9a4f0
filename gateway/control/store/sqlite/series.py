"""One caller's days at one endpoint, as the file packs them."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.control.usage import Usage

BLOCK: Final = 128
"""Days in a row of the file, counted from 1970, so that a row cannot grow for ever."""
DAY: Final = 86_400
COUNT_BYTES: Final = 8
COUNT: Final = "Q"
SECOND: Final = "I"

type Packed = tuple[int, bytes, bytes, bytes, bytes]
"""`start`, `requests`, `failures`, `firsts` and `lasts`, as in the layout."""


@dataclass(slots=True)
class Series:
    """Days from `start` on: the four arrays are equally long, and the last day has requests."""

    start: int
    requests: "array[int]"
    failures: "array[int]"
    firsts: "array[int]"
    lasts: "array[int]"

    @classmethod
    def empty(cls, start: int) -> "Series":
        """Begin with a day."""
        return cls(start, array(COUNT), array(COUNT), array(SECOND), array(SECOND))

    @classmethod
    def unpack(cls, packed: Packed) -> "Series":
        """Read what `pack` has made."""
        start, requests, failures, firsts, lasts = packed
        found = cls(start, counts(requests), counts(failures), array(SECOND, firsts), array(SECOND, lasts))
        found.failures.extend([0] * (len(found.requests) - len(found.failures)))
        return found

    def pack(self) -> Packed:
        """Return what is written."""
        failures = self.failures.tobytes().rstrip(b"\0")
        padding = -len(failures) % COUNT_BYTES
        return (
            self.start,
            self.requests.tobytes(),
            failures + bytes(padding),
            self.firsts.tobytes(),
            self.lasts.tobytes(),
        )

    def add(self, row: Usage) -> None:
        """Count a row of one of the days of this block."""
        if not row.requests:
            return
        self._reach(row.day)
        at = row.day - self.start
        first, last = _second(row.first, row.day), _second(row.last, row.day)
        if self.requests[at]:
            first, last = min(first, self.firsts[at]), max(last, self.lasts[at])
        self.requests[at] += row.requests
        self.failures[at] += row.failures
        self.firsts[at], self.lasts[at] = first, last

    def days(self, since_day: int) -> Iterator[tuple[int, int, int, float, float]]:
        """Yield the days that have requests: day, requests, failures, first and last."""
        begin = max(0, since_day - self.start)
        for at in range(begin, len(self.requests)):
            if self.requests[at]:
                day = self.start + at
                midnight = float(day * DAY)
                yield day, self.requests[at], self.failures[at], midnight + self.firsts[at], midnight + self.lasts[at]

    def _reach(self, day: int) -> None:
        """Have room for a day."""
        for items in (self.requests, self.failures, self.firsts, self.lasts):
            items[0:0] = array(items.typecode, [0] * (self.start - day))
            items.extend([0] * (day - min(day, self.start) + 1 - len(items)))
        self.start = min(day, self.start)


def counts(packed: bytes) -> "array[int]":
    """Read counts, a day each."""
    return array(COUNT, packed)


def _second(at: float, day: int) -> int:
    return min(max(int(at) - day * DAY, 0), DAY - 1)
