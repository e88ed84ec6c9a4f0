"""Slots of ten seconds: where counts wait to be judged, this gateway's and those that others send."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.control.figures import LANE, LEGACY, PACKED_BITS, SHADOW, SUCCESSOR, Figures, Tally
from gateway.core.http import CLIENT_GONE
from gateway.observability.delta import Delta

SLOT_SECONDS: Final = 10
FINE_SECONDS: Final = 300
"""Slots that are older are kept as whole minutes."""
COARSE_SECONDS: Final = 60
KEPT_SECONDS: Final = 86_400
"""How far back a step can be judged: one that has less than `min_requests` in a day is a person's to move."""

type Key = tuple[str, str]
"""An endpoint and a side."""
type Slot = dict[str, dict[Key, int]]
"""Packed tallies by migration, endpoint and side."""


class Window:
    """Owns the slots of a day. It never judges, and knows no clock: the time comes with the counts.

    `add` takes what our own workers have counted; `text` is a slot of that as other gateways get it, and `replace`
    takes one of theirs, as often as it grows. Whatever the order in which slots arrive, the sums are the same. A window
    is made of whole slots: that in which a step began is left out, as its first seconds belong to the step before.
    """

    def __init__(self) -> None:
        self._slots: defaultdict[str, defaultdict[int, Counter[Key]]] = defaultdict(lambda: defaultdict(Counter))
        self._own: dict[int, defaultdict[str, Counter[Key]]] = {}
        self._received: dict[tuple[str, int], Slot | None] = {}
        self._newest = 0

    def __repr__(self) -> str:
        return f"<Window {len(self._slots)} migrations, {sum(map(len, self._slots.values()))} slots>"

    def add(self, slot: Slot, at: float) -> None:
        """Count what has been done here at about `at`, in Unix seconds."""
        start = slot_start(at)
        own = self._own.setdefault(start, defaultdict(Counter))
        for migration, tallies in slot.items():
            own[migration].update(tallies)
        self._put(slot, start)

    def text(self, start: int) -> str | None:
        """Return our own part of the slot that starts at `start`, as `replace` takes it; None if empty or old."""
        own = self._own.get(start)
        if not own:
            return None
        slot = {
            migration: {f"{side} {endpoint}": f"{packed:x}" for (endpoint, side), packed in tallies.items()}
            for migration, tallies in own.items()
        }
        return json.dumps(slot, separators=(",", ":"))

    def replace(self, source: str, start: int, text: str) -> None:
        """Take another gateway's slot in place of what it said of it before. Raises ValueError for what is no slot.

        `source` names one start of one process: one that has restarted begins from nothing and must not replace.
        """
        key, slot = (source, start), _read(text)
        if start <= self._newest - KEPT_SECONDS or self._received.get(key, slot) is None:
            return
        known = self._received.get(key) or {}
        self._received[key] = slot
        self._put(slot, start)
        for migration, tallies in known.items():
            self._slots[migration][self._place(start)].subtract(tallies)

    def take(self, migration: str, since: float, now: float) -> Figures:
        """Return everything since a moment."""
        return self._figures(migration, self._starts(migration, since), since, now)

    def latest(self, migration: str, since: float, now: float, *, seconds: float, requests: int) -> Figures:
        """Return the newest slots: as many as hold so many seconds and successor's requests, none before `since`."""
        slots: Mapping[int, Counter[Key]] = self._slots.get(migration, {})
        taken: list[int] = []
        found = 0
        for start in sorted(self._starts(migration, since), reverse=True):
            if start + SLOT_SECONDS <= now - seconds and found >= requests:
                break
            taken.append(start)
            for (_, side), packed in slots[start].items():
                if side == SUCCESSOR:
                    found += packed & LANE
        return self._figures(migration, taken, max(since, min(taken, default=since)), now)

    def tidy(self, now: float) -> None:
        """Make minutes of slots that are no longer new, and drop what is older than a day."""
        self._newest = max(self._newest, slot_start(now))
        fine, oldest = self._newest - FINE_SECONDS, self._newest - KEPT_SECONDS
        for slots in self._slots.values():
            for start in [start for start in slots if start <= fine and start % COARSE_SECONDS]:
                slots[self._place(start)].update(slots.pop(start))
            for start in [start for start in slots if start <= oldest]:
                del slots[start]
        for start in [start for start in self._own if start <= fine]:
            del self._own[start]
        for source, start in list(self._received):
            if start <= oldest:
                del self._received[source, start]
            elif start <= fine:
                self._received[source, start] = None

    def _put(self, slot: Slot, start: int) -> None:
        if start > self._newest:
            self.tidy(start)
        for migration, tallies in slot.items():
            self._slots[migration][self._place(start)].update(tallies)

    def _place(self, start: int) -> int:
        return start if start > self._newest - FINE_SECONDS else start // COARSE_SECONDS * COARSE_SECONDS

    def _starts(self, migration: str, since: float) -> list[int]:
        return [start for start in self._slots.get(migration, ()) if start >= since]

    def _figures(self, migration: str, starts: Iterable[int], since: float, now: float) -> Figures:
        slots: Mapping[int, Counter[Key]] = self._slots.get(migration, {})
        sums: dict[Key, int] = {}
        known = sums.get
        for start in starts:
            for key, packed in slots[start].items():
                sums[key] = known(key, 0) + packed
        sides: dict[str, dict[str, Tally]] = {LEGACY: {}, SUCCESSOR: {}, SHADOW: {}}
        for (endpoint, side), packed in sums.items():
            sides[side][endpoint] = Tally.unpack(packed)
        return Figures(since, now, sides[LEGACY], sides[SUCCESSOR], sides[SHADOW].get("", Tally()))


def slot_start(at: float) -> int:
    """Return the start of the slot that a moment lies in."""
    return math.floor(at / SLOT_SECONDS) * SLOT_SECONDS


def counted(delta: Delta) -> Slot:
    """Read from a worker's report what is judged.

    A request that legacy answered in the successor's place is the successor's, and its failure too; its time is
    nobody's. Requests without a side were answered by the gateway itself; those of clients that left count for neither.
    """
    requests: Counter[tuple[str, ...]] = Counter()
    for (migration, endpoint, side, code), count in delta.counts.get("requests", {}).items():
        if code != CLIENT_GONE:
            requests[migration, endpoint, side] += count
    left = delta.counts.get("fallbacks_left", {})
    for (migration, endpoint), count in delta.counts.get("fallbacks", {}).items():
        # Of those whose client left while legacy was asked, legacy's requests hold nothing.
        requests[migration, endpoint, LEGACY] -= count - left.get((migration, endpoint), 0)
        requests[migration, endpoint, SUCCESSOR] += count
    failures = delta.counts.get("failures", {})
    durations = delta.durations.get("durations", {})
    slot: defaultdict[str, dict[Key, int]] = defaultdict(dict)
    for key in {*requests, *failures, *durations}:
        migration, endpoint, side = key
        if side in {LEGACY, SUCCESSOR}:
            buckets = durations[key].counts if key in durations else Tally().buckets
            tally = Tally(max(requests[key], 0), failures.get(key, 0), buckets)
            slot[migration][endpoint, side] = tally.packed
    for migration, tally in _comparisons(delta.counts.get("shadows", {})).items():
        slot[migration]["", SHADOW] = tally.packed
    return slot


def _comparisons(shadows: Mapping[tuple[str, ...], int]) -> dict[str, Tally]:
    """Copies that could not be compared say nothing about the answers."""
    return {
        migration: Tally(
            shadows.get((migration, "match"), 0) + shadows.get((migration, "mismatch"), 0),
            shadows.get((migration, "mismatch"), 0),
        )
        for migration, _ in shadows
    }


def _read(text: str) -> Slot:
    try:
        return {
            migration: dict(_read_tally(name, packed) for name, packed in tallies.items())
            for migration, tallies in json.loads(text).items()
        }
    except (AttributeError, TypeError) as error:
        raise ValueError("no slot") from error


def _read_tally(name: str, text: str) -> tuple[Key, int]:
    side, _, endpoint = name.partition(" ")
    packed = int(text, 16)
    if side not in {LEGACY, SUCCESSOR, SHADOW} or packed < 0 or packed.bit_length() > PACKED_BITS:
        raise ValueError("no tally")
    return (endpoint, side), packed
