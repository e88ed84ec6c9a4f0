"""What one side did: the figures that are added up, sent to other gateways, and judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

from gateway.observability.histogram import BOUNDS

LEGACY: Final = "legacy"
SUCCESSOR: Final = "successor"
SHADOW: Final = "shadow"
"""Stands for comparisons: their number is the requests, those that differ are the failures."""

BUCKETS: Final = len(BOUNDS) + 1
LANES: Final = Struct(f"<{2 + BUCKETS}Q")
"""The numbers of a tally, 64 bits each."""
LANE: Final = (1 << 64) - 1
PACKED_BITS: Final = 8 * LANES.size


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests, those of them that failed, and latencies by the buckets of the histogram.

    A packed tally is one integer with a lane for each number, requests lowest. Adding packed tallies adds every lane at
    once, so a day's slots are one sum of integers; no lane ever reaches 2⁶⁴ and carries into the next.
    """

    requests: int = 0
    failures: int = 0
    buckets: tuple[int, ...] = (0,) * BUCKETS

    @property
    def failure_percent(self) -> float:
        """The share of requests that failed."""
        return 100 * self.failures / self.requests if self.requests else 0.0

    @property
    def packed(self) -> int:
        """The tally as one integer."""
        return int.from_bytes(LANES.pack(self.requests, self.failures, *self.buckets), "little")

    @classmethod
    def unpack(cls, packed: int) -> "Tally":
        """Read a packed tally."""
        requests, failures, *buckets = LANES.unpack(packed.to_bytes(LANES.size, "little"))
        return cls(requests, min(requests, failures), tuple(buckets))


NOTHING: Final = Tally()


@dataclass(frozen=True, slots=True)
class Figures:
    """What both sides did from `since` to `until` (Unix seconds), by endpoint, and what comparisons found."""

    since: float
    until: float
    legacy: Mapping[str, Tally]
    successor: Mapping[str, Tally]
    shadow: Tally = NOTHING

    @property
    def legacy_total(self) -> Tally:
        """Legacy over all endpoints."""
        return total(self.legacy.values())

    @property
    def successor_total(self) -> Tally:
        """The successor over all endpoints."""
        return total(self.successor.values())


def total(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up."""
    return Tally.unpack(sum(tally.packed for tally in tallies))
