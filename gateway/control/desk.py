"""Where rollouts are shown and changed by people: the operators' verbs over the book of events."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from gateway.config.schema import Config, Ramp, Rollout
from gateway.config.snapshot import Snapshot
from gateway.control.book import Book, Draft
from gateway.control.controller import Standing as Judged
from gateway.control.event import Event, Verb
from gateway.control.preview import preview
from gateway.control.rollout import RolloutState, begin, edited, position, shown, transition
from gateway.control.standing import Standing
from gateway.control.store.port import Store
from gateway.core.clock import Clock
from gateway.core.http import iso_time

DAY_SECONDS: Final = 86_400


class Rules(Protocol):
    """The rules that the gateway goes by at the moment."""

    @property
    def config(self) -> Config:
        """What the file says."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """The same with the live values."""
        ...

    def is_fit(self, upstream: str) -> bool:
        """Return whether an upstream has an endpoint that can serve, as far as we know."""
        ...


class Desk:
    """Shows rollouts to people and to the controller, and changes them for both.

    It owns nothing but what it refers to: the book, the store with the ledger, the rules of the moment, and `judged`,
    the controller's last looks by migration.
    """

    def __init__(self, book: Book, store: Store, rules: Rules, clock: Clock) -> None:
        self._book = book
        self._store = store
        self._rules = rules
        self._clock = clock
        self._previews = asyncio.Lock()
        self.judged: Mapping[str, Judged] = {}

    def __repr__(self) -> str:
        return f"<Desk of {self._book!r}>"

    def migrations(self) -> Sequence[str]:
        """Return the names of all migrations, in the file's order."""
        return list(self._rules.config.migrations)

    def show(self, migration: str) -> Mapping[str, Any]:
        """Return everything about one rollout, as the admin API answers it. Times are ISO 8601."""
        rollout, now = self._rules.config.migrations[migration].rollout, self._clock.now()
        state = state_of(self._book.standing, migration, rollout, now)
        live = self._rules.snapshot.migrations[migration].rollout.percent
        seen = self.judged.get(migration)
        return {
            "migration": migration,
            "state": shown(state, rollout.ramp, now).value,
            "percent": live,
            "step": position(rollout.ramp, state.percent),
            "steps": list(rollout.ramp.steps) if rollout.ramp is not None else [],
            "since": iso_time(state.since),
            "attempts": state.attempts,
            "failing_intervals": seen.failing if seen is not None else 0,
            "cooldown_until": iso_time(state.cooldown_until) if state.cooldown_until is not None else None,
            "file_percent": rollout.percent,
            "differs": rollout.percent != live,
            "confirm": rollout.confirm,
            "verdict": seen.verdict.document() if seen is not None else None,
            "window": seen.sides if seen is not None else {},
            "last_event": self._last(migration),
        }

    async def change(self, migration: str, verb: Verb, who: str, why: str, percent: float | None) -> None:
        """Do what an operator's verb says, on every gateway; raises VerbError and StoreError."""
        rollout = self._rules.config.migrations[migration].rollout

        def decide(standing: Standing) -> Draft:
            now = self._clock.now()
            state = state_of(standing, migration, rollout, now)
            after = transition(state, verb, rollout.ramp, now, percent)
            return Draft(migration, verb, who, why, _before(standing, migration, state), after.document())

        await self._book.change(decide)

    async def adopt_file(self) -> None:
        """Make an event of every split that the file has changed since it was last looked at; raises StoreError.

        Of several gateways that read the same file the first one does this.
        """
        for migration, settings in self._rules.config.migrations.items():
            await self._book.change(_adoption(migration, settings.rollout, self._clock.now()))

    async def preview(self, migration: str, percent: float) -> Mapping[str, Any]:
        """Return who moves at another percent, by the callers of the last 24 hours; raises StoreError.

        The ledger counts by day: of who was here in that time, the requests of those days are taken. One preview at a
        time, since one of very many callers takes memory and seconds.
        """
        async with self._previews:
            snapshot, now = self._rules.snapshot, self._clock.now()
            since = now - DAY_SECONDS
            rows = [row async for row in self._store.usage(int(since // DAY_SECONDS), migration) if row.last >= since]
            found = await asyncio.to_thread(preview, snapshot, migration, percent, rows, now)
            return found.document()

    async def history(self, migration: str | None, before: int | None, limit: int) -> Sequence[Event]:
        """Return events, newest first; raises StoreError."""
        return await self._store.history(migration, before, limit)

    def events_since(self, number: int) -> Sequence[Event]:
        """Return the events after a number, as far as they are still at hand."""
        return [event for event in self._book.recent if event.number > number]

    # ------------------------------------------------------------------ for the controller

    def number(self) -> int:
        """Return the number of the last event."""
        return self._book.standing.number

    def states(self) -> Mapping[str, RolloutState]:
        """Return every migration's state."""
        now, standing = self._clock.now(), self._book.standing
        migrations = self._rules.config.migrations
        return {name: state_of(standing, name, settings.rollout, now) for name, settings in migrations.items()}

    def ramp(self, migration: str) -> Ramp | None:
        """Return what the file says about moving up by itself."""
        return self._rules.config.migrations[migration].rollout.ramp

    def is_legacy_fit(self, migration: str) -> bool:
        """Return whether the legacy side can serve."""
        return self._rules.is_fit(self._rules.config.migrations[migration].legacy)

    async def append(self, event: Event) -> None:
        """Keep an event and make it effective; raises TakenError and StoreError."""
        await self._book.append(event)

    async def catch_up(self) -> None:
        """Read what others have changed; raises StoreError."""
        await self._book.catch_up()

    def _last(self, migration: str) -> Mapping[str, Any] | None:
        event = self._book.last.get(migration)
        if event is None:
            return None
        return {
            "number": event.number,
            "at": iso_time(event.at),
            "what": event.verb,
            "who": event.who,
            "why": event.why,
        }


def state_of(standing: Standing, migration: str, rollout: Rollout, now: float) -> RolloutState:
    """Return a migration's live state: the one that the last event holds, else the file's."""
    document = standing.rollouts.get(migration)
    return RolloutState.read(document) if document is not None else begin(rollout, now)


def _adoption(migration: str, rollout: Rollout, now: float) -> Callable[[Standing], Draft | None]:
    def decide(standing: Standing) -> Draft | None:
        document = standing.rollouts.get(migration)
        if document is None:
            return Draft(migration, Verb.FILE, "file", "first seen", {}, begin(rollout, now).document())
        state = RolloutState.read(document)
        after = edited(state, rollout, now)
        if after is None:
            return None
        return Draft(migration, Verb.FILE, "file", "the file was edited", document, after.document())

    return decide


def _before(standing: Standing, migration: str, state: RolloutState) -> Mapping[str, Any]:
    return standing.rollouts.get(migration) or state.document()
