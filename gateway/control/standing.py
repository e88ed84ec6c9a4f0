"""What all events together say: folded one by one, the last one wins. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from gateway.config.live import Live, LiveMigration
from gateway.control.event import Event, Verb

PERCENT: Final = "percent"
ROLLOUT_VERBS: Final = frozenset(
    {
        Verb.FILE,
        Verb.SET,
        Verb.PAUSE,
        Verb.RESUME,
        Verb.PROMOTE,
        Verb.ROLLBACK,
        Verb.ADVANCE,
        Verb.STEP_DOWN,
        Verb.HOLD,
    }
)
"""Their events hold the whole state of a rollout in `after`."""


@dataclass(frozen=True, slots=True)
class LiveExtension:
    """One consumer's later end, granted live. `until` is in Unix seconds; `id` is its event's number as text."""

    id: str
    migration: str
    consumer: str
    until: float
    who: str
    why: str
    at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The live state after the event `number`. `rollouts` are the states as the last rollout events hold them.

    `extensions` are by migration and consumer; `withdrawn` and `cancelled` are the file's extensions and brownouts
    (consumers, and starts in Unix seconds) that do not hold any more, by migration.
    """

    number: int = 0
    rollouts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    extensions: Mapping[str, Mapping[str, LiveExtension]] = field(default_factory=dict)
    withdrawn: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cancelled: Mapping[str, frozenset[float]] = field(default_factory=dict)

    def after_all(self, events: Iterable[Event]) -> Self:
        """Return the state after these, which must follow in their order."""
        standing = self
        for event in events:
            standing = standing.after(event)
        return standing

    def after(self, event: Event) -> Self:
        """Return the state after the next event; raises ValueError for any other one."""
        if event.number != self.number + 1:
            raise ValueError(f"event {event.number} does not follow {self.number}")
        return replace(self._folded(event), number=event.number)

    def live(self) -> Live:
        """Return the live values that the data plane goes by."""
        names = {*self.rollouts, *self.extensions, *self.withdrawn, *self.cancelled}
        return Live(self.number, {name: self._live(name) for name in sorted(names)})

    def percent(self, migration: str) -> float | None:
        """Return a migration's live percent; None where it was never changed."""
        percent = self.rollouts.get(migration, {}).get(PERCENT)
        return float(percent) if percent is not None else None

    def _live(self, name: str) -> LiveMigration:
        return LiveMigration(
            percent=self.percent(name),
            extensions={consumer: one.until for consumer, one in self.extensions.get(name, {}).items()},
            withdrawn=self.withdrawn.get(name, frozenset()),
            cancelled=self.cancelled.get(name, frozenset()),
        )

    def _folded(self, event: Event) -> Self:
        name = event.migration
        if event.verb in ROLLOUT_VERBS:
            return replace(self, rollouts={**self.rollouts, name: event.after})
        if event.verb is Verb.EXTEND:
            return self._extended(event)
        if event.verb is Verb.WITHDRAW:
            return self._without(event)
        starts = self.cancelled.get(name, frozenset())
        start = float(event.after["start"])
        changed = starts | {start} if event.verb is Verb.CANCEL else starts - {start}
        return replace(self, cancelled={**self.cancelled, name: changed})

    def _extended(self, event: Event) -> Self:
        name, consumer = event.migration, str(event.after["consumer"])
        until = float(event.after["until"])
        granted = LiveExtension(str(event.number), name, consumer, until, event.who, event.why, event.at)
        extensions = {**self.extensions.get(name, {}), consumer: granted}
        withdrawn = self.withdrawn.get(name, frozenset()) - {consumer}
        return replace(
            self,
            extensions={**self.extensions, name: extensions},
            withdrawn={**self.withdrawn, name: withdrawn},
        )

    def _without(self, event: Event) -> Self:
        name, consumer = event.migration, str(event.after["consumer"])
        kept = {key: one for key, one in self.extensions.get(name, {}).items() if key != consumer}
        withdrawn = self.withdrawn.get(name, frozenset()) | {consumer}
        return replace(
            self,
            extensions={**self.extensions, name: kept},
            withdrawn={**self.withdrawn, name: withdrawn},
        )
