"""Where the end is put off by people: extensions for consumers, brownouts that do not take place."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.config.deprecation import Brownout, Deprecation
from gateway.config.snapshot import Migration, Snapshot
from gateway.control.book import Book, Draft
from gateway.control.event import Event, Verb
from gateway.control.standing import Standing
from gateway.core.clock import Clock
from gateway.core.http import iso_time


class UnfitError(Exception):
    """The verb does not apply as things stand; the message says why."""


class UnknownError(LookupError):
    """There is no such migration, extension or brownout; the message says which there are."""


class Rules(Protocol):
    """The rules that the gateway goes by at the moment."""

    @property
    def snapshot(self) -> Snapshot:
        """With the live values."""
        ...


@dataclass(frozen=True, slots=True)
class Extension:
    """A consumer's later end in force. `id` is the live one's event number, or `file:MIGRATION:CONSUMER`.

    `until` and `at` are Unix seconds; `who`, `why` and `at` are of the event, and `why` the file's own.
    """

    id: str
    migration: str
    consumer: str
    until: float
    who: str
    why: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A brownout as it was planned, and whether it takes place. Unix seconds."""

    migration: str
    start: float
    end: float
    is_cancelled: bool


class Ending:
    """Shows and changes what puts the end off. It owns nothing but what it refers to."""

    def __init__(self, book: Book, rules: Rules, clock: Clock) -> None:
        self._book = book
        self._rules = rules
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Ending of {self._book!r}>"

    def extensions(self) -> list[Extension]:
        """Return those in force, the first to end first: one that has run out is none any more."""
        now = self._clock.now()
        found = [one for name in self._rules.snapshot.migrations for one in self._extensions(name) if one.until > now]
        return sorted(found, key=lambda one: (one.until, one.migration, one.consumer))

    def brownouts(self) -> list[Window]:
        """Return those that are not over, in order."""
        now = self._clock.now()
        found = [
            Window(name, window.start, window.end, window.start in self._cancelled(name))
            for name, migration in self._rules.snapshot.intended.items()
            for window in sorted(_windows(migration), key=lambda window: window.start)
            if window.end > now
        ]
        return sorted(found, key=lambda window: (window.start, window.migration))

    async def extend(self, migration: str, consumer: str, until: float, who: str, why: str) -> str | None:
        """Grant a later end; return what it does not do, if anything.

        Raises UnknownError, ValueError for a date that extends nothing, and StoreError.
        """
        calendars = list(_calendars(self._migration(migration)))
        gone, removed = (min(_each(calendars, name), default=math.inf) for name in ("gone", "removed"))
        if math.isinf(gone):
            raise ValueError(f"{migration} has no gone date, so there is nothing to extend")
        if until <= max(gone, self._clock.now()):
            raise ValueError(f"until must lie ahead, and after gone ({iso_time(gone)})")
        after = {"consumer": consumer, "until": until}
        await self._change(
            migration, Verb.EXTEND, who, why, after, lambda standing: _granted(standing, migration, consumer)
        )
        return f"removed ({iso_time(removed)}) ends it before" if until > removed else None

    async def withdraw(self, number: str, who: str, why: str) -> Extension:
        """Take an extension back, also one of the file's; raises UnknownError and StoreError."""
        found = next((one for one in self.extensions() if one.id == number), None)
        if found is None:
            raise UnknownError("No extension in force has this id.")
        before = {"consumer": found.consumer, "until": found.until}
        await self._change(found.migration, Verb.WITHDRAW, who, why, {"consumer": found.consumer}, lambda _: before)
        return found

    async def cancel(self, migration: str, start: float, who: str, why: str) -> Window:
        """Have a brownout not take place, or end at once; raises UnknownError, UnfitError and StoreError."""
        return await self._switch(migration, start, who, why, is_cancelled=True)

    async def restore(self, migration: str, start: float, who: str, why: str) -> Window:
        """Have a cancelled brownout take place after all; raises UnknownError, UnfitError and StoreError."""
        return await self._switch(migration, start, who, why, is_cancelled=False)

    async def _switch(self, migration: str, start: float, who: str, why: str, *, is_cancelled: bool) -> Window:
        window = self._window(migration, start)
        if window.end <= self._clock.now():
            raise UnfitError(f"the brownout of {iso_time(start)} is over")

        def before(standing: Standing) -> Mapping[str, Any]:
            if (start in standing.cancelled.get(migration, frozenset())) is is_cancelled:
                raise UnfitError(
                    f"the brownout of {iso_time(start)} {'is cancelled already' if is_cancelled else 'takes place'}"
                )
            return {"start": start, "cancelled": not is_cancelled}

        verb = Verb.CANCEL if is_cancelled else Verb.RESTORE
        await self._change(migration, verb, who, why, {"start": start, "cancelled": is_cancelled}, before)
        return Window(migration, window.start, window.end, is_cancelled)

    async def _change(
        self,
        migration: str,
        verb: Verb,
        who: str,
        why: str,
        after: Mapping[str, Any],
        before: Callable[[Standing], Mapping[str, Any]],
    ) -> Event | None:
        return await self._book.change(lambda standing: Draft(migration, verb, who, why, before(standing), after))

    def _extensions(self, name: str) -> Iterator[Extension]:
        granted = self._book.standing.extensions.get(name, {})
        withdrawn = self._book.standing.withdrawn.get(name, frozenset())
        for one in granted.values():
            yield Extension(one.id, name, one.consumer, one.until, one.who, one.why, one.at)
        common = self._rules.snapshot.intended[name].deprecation
        for consumer, until in (common.extensions if common is not None else {}).items():
            if consumer not in granted and consumer not in withdrawn:
                yield Extension(f"file:{name}:{consumer}", name, consumer, until, "file")

    def _cancelled(self, name: str) -> frozenset[float]:
        return self._book.standing.cancelled.get(name, frozenset())

    def _migration(self, name: str) -> Migration:
        found = self._rules.snapshot.intended.get(name)
        if found is None:
            known = ", ".join(self._rules.snapshot.intended) or "none"
            raise UnknownError(f"There is no migration {name!a}; there are {known}.")
        return found

    def _window(self, name: str, start: float) -> Brownout:
        windows = {window.start: window for window in _windows(self._migration(name))}
        if start not in windows:
            known = ", ".join(iso_time(moment) for moment in sorted(windows)) or "none"
            raise UnknownError(f"No brownout of {name} begins then; there are {known}.")
        return windows[start]


def _calendars(migration: Migration) -> Iterator[Deprecation]:
    if migration.deprecation is not None:
        yield migration.deprecation
    yield from migration.exceptions.values()


def _windows(migration: Migration) -> set[Brownout]:
    return {window for calendar in _calendars(migration) for window in calendar.brownouts}


def _each(calendars: list[Deprecation], name: str) -> Iterator[float]:
    return (getattr(calendar, name) for calendar in calendars)


def _granted(standing: Standing, migration: str, consumer: str) -> Mapping[str, Any]:
    known = standing.extensions.get(migration, {}).get(consumer)
    return {"consumer": consumer, "until": known.until} if known is not None else {}
