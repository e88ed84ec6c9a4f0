"""Who leads: of several gateways on one store exactly one acts on rollouts, by a lease with a fencing number.

No two machines' clocks are compared. A holder writes a growing beat; whoever wants to lead takes over when the beat has
stood still for long enough by its own monotonic clock (Gray and Cheriton 1989 for leases; the fencing number as in
Kleppmann 2016, so that who has lost the lease without knowing is told from who holds it).
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.control.store.port import Lease, Store, StoreError
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, repeat, spawn

log = logging.getLogger(__name__)

NAME: Final = "rollouts"
BEAT_SECONDS: Final = 1.5
TRUST_SECONDS: Final = 4.0
"""How long a holder that cannot renew believes that it leads; shorter than what others wait."""
SILENCE_SECONDS: Final = 5.0
"""How long a beat must have stood still before somebody else takes over."""
RELEASED: Final = ""
"""The holder's name in a lease that was given back."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A lease as it was seen, and since when it has stood so: monotonic seconds."""

    lease: Lease | None
    since: float


def look(before: Sight | None, lease: Lease | None, now: float) -> Sight:
    """Return what is known after another look at `now`."""
    if before is not None and before.lease == lease:
        return before
    return Sight(lease, now)


def bid(sight: Sight, name: str, now: float) -> Lease | None:
    """Return the lease that `name` should try to write, or None while somebody else leads."""
    lease = sight.lease
    if lease is None:
        return Lease(name, 1, 0)
    if lease.holder == name:
        return replace(lease, beat=lease.beat + 1)
    is_free = lease.holder == RELEASED or now - sight.since >= SILENCE_SECONDS
    return Lease(name, lease.fence + 1, 0) if is_free else None


class Leadership:
    """Owns one gateway's claim to lead. `name` tells this start of this gateway from all others.

    `fence` is the number of the lease while it is held for certain, else None. A holder that has not been able to renew
    for TRUST_SECONDS does not lead any more, before anybody else can.
    """

    def __init__(self, store: Store, clock: Clock, name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._sight: Sight | None = None
        self._held: Lease | None = None
        self._renewed = 0.0
        self._has_led = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<Leadership of {self._name}: {f'leads with fence {self.fence}' if self.fence else 'follows'}>"

    @property
    def fence(self) -> int | None:
        """The fencing number while this gateway leads."""
        held = self._held
        if held is None or self._clock.monotonic() - self._renewed >= TRUST_SECONDS:
            return None
        return held.fence

    def start(self) -> None:
        """Stand for the lease from now on."""
        spawn(repeat(self._try, lambda: BEAT_SECONDS), name="stand for the lease", owner=self._tasks)

    async def close(self) -> None:
        """Give the lease back, so that somebody else leads at once; may be called again."""
        await cancel_all(self._tasks)
        held, self._held = self._held, None
        if held is None:
            return
        try:
            await self._store.swap_lease(NAME, held, replace(held, holder=RELEASED))
        except StoreError as error:
            log.warning("the lease is not given back, it runs out: %s", error)

    async def attend(self) -> None:
        """Renew the lease, take it over, or see who holds it; raises StoreError."""
        began = self._clock.monotonic()
        self._sight = look(self._sight, await self._store.lease(NAME), self._clock.monotonic())
        wanted = bid(self._sight, self._name, self._clock.monotonic())
        if wanted is not None and await self._store.swap_lease(NAME, self._sight.lease, wanted):
            # Counted from before the question: while the answer travelled, others' patience ran already.
            self._held, self._renewed = wanted, began
            self._sight = Sight(wanted, began)
        else:
            self._held = None

    async def _try(self) -> None:
        try:
            await self.attend()
        except StoreError:
            log.debug("the lease cannot be looked at: the store is away")
        self._tell()

    def _tell(self) -> None:
        """Log when leading begins or ends."""
        fence = self.fence
        if (fence is not None) is not self._has_led:
            self._has_led = fence is not None
            log.info("this gateway %s", f"leads, with fence {fence}" if fence is not None else "does not lead any more")
