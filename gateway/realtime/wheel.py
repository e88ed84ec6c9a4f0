"""One timer for all connections: heartbeats, time-outs and the ends of tokens."""

import asyncio
from typing import Final, Protocol

from gateway.core.clock import Clock

TICK_SECONDS: Final = 0.25
"""How often the wheel turns: nothing is kept more precisely than this, and no turn has many to look at."""
NOWHERE: Final = -1


class Timed(Protocol):
    """Something that has to be looked at, at its time. `spoke` is where the wheel keeps it, or NOWHERE."""

    spoke: int

    def look(self, now: float) -> None:
        """Do what is due `now` (monotonic seconds), and ask for the next look with `Wheel.put`."""


class Wheel:
    """Owns who is looked at when: each at one moment, a later `put` replaces the earlier one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spokes: dict[int, set[Timed]] = {}
        self._turned = int(clock.monotonic() / TICK_SECONDS)
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Wheel {sum(map(len, self._spokes.values()))} waiting>"

    def put(self, one: Timed, when: float) -> None:
        """Look at it at this moment (monotonic seconds), or right after."""
        self.drop(one)
        one.spoke = max(int(when / TICK_SECONDS), self._turned) + 1
        self._spokes.setdefault(one.spoke, set()).add(one)

    def drop(self, one: Timed) -> None:
        """Look at it no more."""
        waiting = self._spokes.get(one.spoke)
        one.spoke = NOWHERE
        if waiting is not None:
            waiting.discard(one)

    def turn(self) -> None:
        """Look at all whose time has come."""
        now = self._clock.monotonic()
        last = int(now / TICK_SECONDS)
        while self._turned < last:
            self._turned += 1
            for one in self._spokes.pop(self._turned, ()):
                one.spoke = NOWHERE
                one.look(now)

    def start(self) -> None:
        """Turn by itself; needs a running loop."""
        self.turn()
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self.start)

    def stop(self) -> None:
        """Turn no more."""
        if self._timer is not None:
            self._timer.cancel()
