"""Theoretical arrival times by key: all that GCRA remembers of anybody, bounded whatever keys are invented."""

from math import inf
from typing import Final

ROOM: Final = 2_048
"""Keys for which there is always a place, so that those who come again and again need not be admitted each time."""
LOOKED_AT: Final = 8
"""How many places a newcomer looks at before it takes one."""


class Arrivals:
    """Owns the arrival times of one quota's keys, `capacity` of them at most. It reads no clock.

    A time that has passed is as good as none. Beyond the first ROOM, a newcomer takes the place of such a key where it
    meets one. While all of the places are taken by keys that owe something, it takes that of the one among the next
    eight that owes least. So each request of somebody with many keys costs the lightest of eight, mostly one of his
    own: to make a key that owes D requests forgotten, one needs a table full of keys that owe as much. Each step looks
    at a fixed number of places.
    """

    __slots__ = ("_capacity", "_hand", "_places", "times")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._hand = 0
        self._places: list[str] = []
        self.times: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return f"<Arrivals {len(self.times)} of {self._capacity}>"

    def put(self, key: str, arrival: float, now: float) -> None:
        """Remember a key's arrival time."""
        if key not in self.times:
            self._admit(key, now)
        self.times[key] = arrival

    def _admit(self, key: str, now: float) -> None:
        places = self._places
        if len(places) < self._capacity:
            if len(places) < ROOM or self.times[places[self._step()]] > now:
                places.append(key)
                return
            chosen = self._hand
        else:
            chosen = self._lightest(now)
        del self.times[places[chosen]]
        places[chosen] = key

    def _lightest(self, now: float) -> int:
        chosen, least = self._hand, inf
        for _ in range(LOOKED_AT):
            place = self._step()
            arrival = self.times[self._places[place]]
            if arrival < least:
                chosen, least = place, arrival
            if arrival <= now:
                break
        return chosen

    def _step(self) -> int:
        """Move on to the next place, around the table."""
        self._hand = self._hand + 1 if self._hand + 1 < len(self._places) else 0
        return self._hand
