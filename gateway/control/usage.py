"""Who called what, counted: the ledger's rows."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

OTHERS: Final = "(others)"
"""Stands for the callers who were counted without a name, because there was no room for more of them."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one caller did at one endpoint on one day, on one side.

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
    """Requests by day, packed, because a hundred thousand consumers' dictionaries would fill the memory."""

    __slots__ = ("_counts", "_first")

    def __init__(self, first: int, counts: "array[int]") -> None:
        self._first = first
        self._counts = counts

    def __repr__(self) -> str:
        return f"Days({dict(self)})"

    def __getitem__(self, day: int) -> int:
        at = day - self._first
        if not 0 <= at < len(self._counts) or not self._counts[at]:
            raise KeyError(day)
        return self._counts[at]

    def __iter__(self) -> Iterator[int]:
        return (day for day, count in enumerate(self._counts, self._first) if count)

    def __len__(self) -> int:
        return len(self._counts) - self._counts.count(0)


@dataclass(frozen=True, slots=True)
class Total:
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
    days: Mapping[int, int]
