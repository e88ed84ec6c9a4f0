"""Counts by day, packed, so that a month of somebody's calls is one row of the file and not thirty.

A sheet is five columns of a row: `names` (a JSON list of what is counted), and in the machine's byte order `days`,
`firsts` and `lasts` (4 bytes for each day that has calls; the latter two are Unix seconds) and `sums`: for each of
those days a number for each name, 4 bytes or where that is too little 8, added up from the first day on. What was
counted over some days is therefore the difference of two items.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zlib import crc32

BLOCK: Final = 128
"""Days that share a sheet, so that none grows for ever, and a report of a month reads one or two."""
COLUMNS: Final = ("names", "days", "firsts", "lasts", "sums")
SHORT: Final = "I"
LONG: Final = "Q"
MOST: Final = 2**32 - 1

type Packed = Sequence[str | bytes]
type Items = array[int]


@dataclass(slots=True)
class Sheet:
    """The columns, unpacked: `sums` has `len(names)` items for each day."""

    names: tuple[str, ...]
    days: Items
    firsts: Items
    lasts: Items
    sums: Items

    def pack(self) -> Packed:
        """Return the columns as they are written."""
        days, firsts, lasts, sums = self.days, self.firsts, self.lasts, self.sums
        return _write_names(self.names), days.tobytes(), firsts.tobytes(), lasts.tobytes(), sums.tobytes()

    def count(self, day: int, first: float, last: float, counts: Mapping[str, int]) -> None:
        """Add counts to a day; a count of zero needs no name."""
        at = self._place(day, int(first), int(last))
        for name, number in counts.items():
            if number:
                self._add(at, name, number)

    def counted(self, name: str) -> Sequence[int]:
        """Return what was counted under a name on each of the days."""
        if name not in self.names:
            return [0] * len(self.days)
        summed = self.sums[self.names.index(name) :: len(self.names)]
        return [now - before for before, now in zip((0, *summed), summed, strict=False)]

    def cut(self, before_day: int) -> None:
        """Drop the days before one; one day at least must be left."""
        gone, width = bisect_left(self.days, before_day), len(self.names)
        base = self.sums[(gone - 1) * width : gone * width] if gone else [0] * width
        left = self.sums[gone * width :]
        self.sums = array(self.sums.typecode, (item - base[at % width] for at, item in enumerate(left)))
        for items in (self.days, self.firsts, self.lasts):
            del items[:gone]

    def _place(self, day: int, first: int, last: int) -> int:
        """Return where a day is, with a place for it made and its span widened."""
        days, firsts, lasts, width = self.days, self.firsts, self.lasts, len(self.names)
        at = len(days) - 1 if days and days[-1] == day else bisect_left(days, day)
        if at < len(days) and days[at] == day:
            firsts[at] = min(firsts[at], first)
            lasts[at] = max(lasts[at], last)
            return at
        for items, item in ((days, day), (firsts, first), (lasts, last)):
            items.insert(at, item)
        before = self.sums[(at - 1) * width : at * width] if at else array(self.sums.typecode, [0] * width)
        self.sums[at * width : at * width] = before
        return at

    def _add(self, at: int, name: str, number: int) -> None:
        if name not in self.names:
            self._widen(name)
        column, width, sums = self.names.index(name), len(self.names), self.sums
        if sums[column - width] + number > MOST and sums.typecode == SHORT:
            self.sums = sums = array(LONG, sums)
        for place in range(at * width + column, len(sums), width):
            sums[place] += number

    def _widen(self, name: str) -> None:
        """Count one thing more."""
        width = len(self.names)
        wider = array(self.sums.typecode)
        for at in range(len(self.days)):
            wider.extend(self.sums[at * width : (at + 1) * width])
            wider.append(0)
        self.names, self.sums = (*self.names, name), wider


def block(consumer: str, day: int) -> int:
    """Return which of a consumer's sheets has a day.

    Each consumer's sheets end on days of their own, so that on every day a month lies across two for one consumer in
    four, and on none for all of them.
    """
    return (day + crc32(consumer.encode()) % BLOCK) // BLOCK


def empty() -> Sheet:
    """Begin."""
    return Sheet((), array(SHORT), array(SHORT), array(SHORT), array(SHORT))


def unpack(names: str, days: bytes, firsts: bytes, lasts: bytes, sums: bytes) -> Sheet:
    """Read what was written."""
    found = read_names(names)
    typecode = SHORT if len(sums) == len(days) * len(found) else LONG
    return Sheet(found, array(SHORT, days), array(SHORT, firsts), array(SHORT, lasts), array(typecode, sums))


@lru_cache(maxsize=4096)
def read_names(text: str) -> tuple[str, ...]:
    """Return the names. Most consumers call the same few endpoints, so most texts were read before."""
    return tuple(json.loads(text))


@lru_cache(maxsize=4096)
def _write_names(names: tuple[str, ...]) -> str:
    return json.dumps(names)
