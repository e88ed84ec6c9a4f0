"""The book of events, as one gateway reads and writes it: what is in it is what every gateway goes by."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.control.event import Event, Verb
from gateway.control.standing import Standing
from gateway.control.store.port import Store, StoreError, TakenError
from gateway.core.clock import Clock
from gateway.core.tasks import cancel_all, repeat, spawn

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.3
"""How often other gateways' events are looked for: all agree well within a second of a change."""
AWAY_SECONDS: Final = 2.0
"""How often a store that is away is tried."""
PAGE: Final = 5_000
RECENT: Final = 256
ATTEMPTS: Final = 50
"""How often a change is tried whose number another gateway took first."""

type Publish = Callable[[Standing], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event without its number and time: what somebody wants, decided on a standing."""

    migration: str
    verb: Verb
    who: str
    why: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    fence: int | None = None


type Decide = Callable[[Standing], Draft | None]


class Book:
    """Owns what this gateway knows of the events. It reads what others append, and appends what is changed here.

    `publish` is called with every new standing, in order, before whoever changed it hears of that. While the store is
    away nothing can be changed and what is known goes on to hold: `is_up` says so. `last` is the last event of each
    migration, `recent` the last ones of all.
    """

    def __init__(self, store: Store, publish: Publish, clock: Clock) -> None:
        self._store = store
        self._publish = publish
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.standing = Standing()
        self.last: dict[str, Event] = {}
        self.recent: deque[Event] = deque(maxlen=RECENT)
        self._has_complained = False
        self.is_up = False
        self.has_read = False

    def __repr__(self) -> str:
        return f"<Book at event {self.standing.number}, store {'up' if self.is_up else 'away'}>"

    async def start(self) -> None:
        """Read all that is there, and follow it. A store that is away is waited for, in the background."""
        await self._look()
        follow = repeat(self._look, lambda: LOOK_SECONDS if self.is_up else AWAY_SECONDS)
        spawn(follow, name="follow the events", owner=self._tasks)

    async def close(self) -> None:
        """Follow no more and let the store go; may be called again."""
        await cancel_all(self._tasks)
        await self._store.close()

    async def change(self, decide: Decide) -> Event | None:
        """Append what `decide` makes of the newest standing, and return it; None where it wants nothing.

        Whoever is overtaken by another gateway decides anew. Raises StoreError where the store is away: then it is not
        known whether the change will be seen; and whatever `decide` raises.
        """
        async with self._turn:
            for _ in range(ATTEMPTS):
                await self._read()
                draft = decide(self.standing)
                if draft is None:
                    return None
                event = self._event(draft)
                try:
                    await self._ask(self._store.append(event))
                except TakenError:
                    await self._compare()
                    continue
                await self._adopt([event])
                return event
            raise StoreError("other gateways change too much to get a word in")

    async def append(self, event: Event) -> None:
        """Append an event that was decided on this standing; raises TakenError and StoreError."""
        async with self._turn:
            await self._ask(self._store.append(event))
            if event.number == self.standing.number + 1:
                await self._adopt([event])

    async def catch_up(self) -> None:
        """Read what is new, after another gateway was faster; raises StoreError."""
        async with self._turn:
            await self._compare()
            await self._read()

    def _event(self, draft: Draft) -> Event:
        return Event(
            number=self.standing.number + 1,
            at=self._clock.now(),
            migration=draft.migration,
            verb=draft.verb,
            who=draft.who,
            why=draft.why,
            before=draft.before,
            after=draft.after,
            fence=draft.fence,
        )

    async def _look(self) -> None:
        """Read what is new, if the store lets us."""
        async with self._turn:
            try:
                await self._read()
            except StoreError:
                return

    async def _read(self) -> None:
        if not self.is_up:
            await self._ask(self._store.open())
        while True:
            events = await self._ask(self._store.events(self.standing.number, PAGE))
            if events:
                await self._adopt(events)
            if len(events) < PAGE:
                break
        self.has_read = True

    async def _compare(self) -> None:
        """See that the store's history is the one we know; raises StoreError where it was emptied or set back.

        Then traffic goes on as it is: which of the two should hold is for a person to say.
        """
        known = self.recent[-1] if self.recent else None
        if known is None:
            return
        found = await self._ask(self._store.history(None, known.number + 1, 1))
        if not found or found[0] != known:
            has = f"ends with event {found[0].number}" if found else "is empty"
            why = f"the store {has}, this gateway knows {known.number} events: was it restored? A restart goes by it"
            log.error("%s", why)
            raise StoreError(why)

    async def _ask[T](self, asked: Awaitable[T]) -> T:
        """Ask the store, and note whether it answers."""
        try:
            answer = await asked
        except StoreError as error:
            self.is_up = False
            if not self._has_complained:
                self._has_complained = True
                log.error("the store is away: nothing can be changed, what holds goes on: %s", error)
            raise
        if not self.is_up:
            self.is_up, self._has_complained = True, False
            log.info("the store is there, %d events are known", self.standing.number)
        return answer

    async def _adopt(self, events: Sequence[Event]) -> None:
        self.standing = self.standing.after_all(events)
        self.last.update({event.migration: event for event in events})
        self.recent.extend(events)
        await self._publish(self.standing)
