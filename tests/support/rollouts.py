"""Rollouts over a store, as the controller sees them, and a store that is a list."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.config.schema import Ramp, Rollout
from gateway.control.event import Event
from gateway.control.rollout import RolloutState, begin
from gateway.control.store.port import StoreError, TakenError


class Events(Protocol):
    """The part of a store that holds events."""

    async def append(self, event: Event) -> None: ...

    async def events(self, after: int = 0) -> Sequence[Event]: ...


class ListStore:
    """Events in a list; `is_away` makes it a store that cannot be reached."""

    def __init__(self) -> None:
        self.kept: list[Event] = []
        self.is_away = False

    async def append(self, event: Event) -> None:
        """Keep an event if its number is the next one."""
        if self.is_away:
            raise StoreError("away")
        if event.number != len(self.kept) + 1:
            raise TakenError
        self.kept.append(event)

    async def events(self, after: int = 0) -> Sequence[Event]:
        """Return the events after a number."""
        if self.is_away:
            raise StoreError("away")
        return self.kept[after:]


class StoredRollouts:
    """One gateway's view of rollouts: the file's, and what the events it has read have made of them."""

    def __init__(self, store: Events, rollouts: Mapping[str, Rollout], now: float) -> None:
        self._store = store
        self._rollouts = rollouts
        self._states = {name: begin(rollout, now) for name, rollout in rollouts.items()}
        self._number = 0
        self.is_fit = True

    def number(self) -> int:
        """Return the last event that was read."""
        return self._number

    def states(self) -> Mapping[str, RolloutState]:
        """Return what has been read."""
        return self._states

    def ramp(self, migration: str) -> Ramp | None:
        """Return the file's."""
        return self._rollouts[migration].ramp

    def is_legacy_fit(self, migration: str) -> bool:
        """Return what the test says."""
        return self.is_fit and migration in self._rollouts

    async def append(self, event: Event) -> None:
        """Keep an event and read it."""
        await self._store.append(event)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Read what is new."""
        for event in await self._store.events(self._number):
            self._number = event.number
            self._states = {**self._states, event.migration: RolloutState.read(event.after)}
