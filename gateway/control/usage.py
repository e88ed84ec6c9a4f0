"""Who called what, counted: the ledger's rows."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

type Caller = tuple[str, str]
"""A migration and one of its consumers."""


class Usage(NamedTuple):
    """What one caller did at one endpoint on one day, on one side. The fields before `requests` are its key.

    `day` is in days since 1970 (UTC); `first` and `last` are Unix seconds within it, of which a store keeps whole ones.
    `side` is `legacy` or `successor`, empty for
    what was refused because of the phase. `profile` is the JSON object that a preview decides by (the caller's
    identities, or the bucket where they must not be kept); empty for OTHERS. Failures are the backends': 5xx, time-outs
    and broken answers.
    """

    day: int
    migration: str
    endpoint: str
    side: str
    consumer: str
    profile: str
    requests: int
    failures: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Batch:
    """What one gateway adds to the ledger at once. Rows are keyed by all their fields before `requests`, each key once.

    `number` grows with every batch of the same `writer`, which writes one after the other: a batch that is written
    again, because the reply to the first attempt was lost, adds nothing twice.
    """

    writer: str
    number: int
    rows: Sequence[Usage]


class Days(Mapping[int, int]):
    """Requests by day, packed, because a hundred thousand consumers' dictionaries would fill the memory.

    `days` are those that have requests, in order; `sums` are the requests up to the end of each, and `before` them.
    """

    __slots__ = ("_before", "_days", "_sums")

    def __init__(self, days: "array[int]", sums: "array[int]", before: int) -> None:
        self._days = days
        self._sums = sums
        self._before = before

    def __repr__(self) -> str:
        return f"Days({dict(self)})"

    def followed_by(self, later: "Days") -> "Days":
        """Return these days and later ones."""
        gap = self._sums[-1] - later._before
        return Days(
            self._days + later._days, array("Q", (*self._sums, *(gap + item for item in later._sums))), self._before
        )

    def __getitem__(self, day: int) -> int:
        at = bisect_left(self._days, day)
        if at == len(self._days) or self._days[at] != day:
            raise KeyError(day)
        return self._sums[at] - (self._sums[at - 1] if at else self._before)

    def between(self, since: int, until: int) -> tuple[int, int | None]:
        """Return the requests from one day until before another, and the first day that has any."""
        days, sums = self._days, self._sums
        begin = bisect_left(days, since)
        end = bisect_left(days, until, begin)
        if begin == end:
            return 0, None
        return sums[end - 1] - (sums[begin - 1] if begin else self._before), days[begin]

    def __iter__(self) -> Iterator[int]:
        return iter(self._days)

    def __len__(self) -> int:
        return len(self._days)


def most(calls: Mapping[Caller, int], limit: int) -> tuple[int, Sequence[Caller]]:
    """Return how many callers there are, and so many of them: most calls first, then by name."""
    return len(calls), nsmallest(limit, calls, key=lambda caller: (-calls[caller], caller))


class Total(NamedTuple):
    """One consumer's use of one migration over some days: requests by side, failures and the last call.

    `legacy`, `successor` and `refused` count requests; `successor_failures` are those of them that failed.
    `endpoints` counts requests by endpoint, `days` requests by day.
    """

    migration: str
    consumer: str
    legacy: int
    successor: int
    refused: int
    legacy_failures: int
    successor_failures: int
    first: float
    last: float
    endpoints: Mapping[str, int]
    days: Days
