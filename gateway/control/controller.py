"""The controller: looks at every rollout once an interval, and acts on what the judgement says while it leads."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol

from gateway.config.schema.migration import Gates, Ramp
from gateway.control.analysis import Outcome, Verdict, gather, judge, sides
from gateway.control.event import Event
from gateway.control.rollout import Action, RolloutState, State, position, shown, step
from gateway.control.store.port import StoreError, TakenError
from gateway.control.window import Window
from gateway.core.clock import Clock
from gateway.core.tasks import repeat
from gateway.observability.metrics import Gauge, Labels

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.2
STATIC_INTERVAL: Final = 10.0
"""How often figures are judged for show where there is no ramp, in seconds."""
TRIES: Final = 3
"""How often a decision is made anew in one interval, because others have changed something meanwhile."""


class Rollouts(Protocol):
    """What the controller knows of rollouts, and how it changes them: the projection of events on the file."""

    def number(self) -> int:
        """Return the number of the last event that `states` contains."""
        ...

    def states(self) -> Mapping[str, RolloutState]:
        """Return every migration's state."""
        ...

    def ramp(self, migration: str) -> Ramp | None:
        """Return what the file says about moving up by itself."""
        ...

    def is_legacy_fit(self, migration: str) -> bool:
        """Return whether the legacy side can serve: nobody is sent to a backend that is down."""
        ...

    async def append(self, event: Event) -> None:
        """Keep an event and make it effective. Raises TakenError and StoreError."""
        ...

    async def catch_up(self) -> None:
        """Read what has happened since `number`. Raises StoreError."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What the last look at one migration has found; `at` is in Unix seconds, `failing` counts intervals in a row."""

    at: float
    state: RolloutState
    shown: State
    step: int | None
    verdict: Verdict
    failing: int
    sides: Mapping[str, Mapping[str, float]]


class Controller:
    """Owns the last standing of every migration. It fetches and acts; what is decided, `judge` and `step` decide.

    Every gateway looks; only the one whose `fence` is not None acts, and puts it into the event. An event's number is
    the one after the last that was known when it was decided on, so that whoever decided on what is no longer so, a
    leader that does not know it has been replaced included, is told that the number is taken. `name` is this gateway's.
    """

    def __init__(
        self, rollouts: Rollouts, window: Window, clock: Clock, *, name: str, fence: Callable[[], int | None]
    ) -> None:
        self._rollouts = rollouts
        self._window = window
        self._clock = clock
        self._who = f"controller:{name}"
        self._fence = fence
        self._looked: dict[str, float] = {}
        self.standings: dict[str, Standing] = {}

    def __repr__(self) -> str:
        return f"<Controller {self._who}: {len(self.standings)} rollouts, fence {self._fence()}>"

    async def run(self) -> None:
        """Look for ever."""
        await repeat(self.look, lambda: TICK_SECONDS)

    async def look(self) -> None:
        """Judge every migration whose interval is over, and act where that says so."""
        now, states = self._clock.monotonic(), self._rollouts.states()
        for gone in self.standings.keys() - states.keys():
            del self.standings[gone]
        for migration in states:
            if now >= self._looked.get(migration, -inf) + _interval(self._rollouts.ramp(migration)):
                self._looked[migration] = now
                await self._attend(migration)
                await asyncio.sleep(0)

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what Prometheus reads of the last look."""
        return (
            Gauge("gate_value", "What a gate judges, in percent, seconds, ratio or requests.", GATE, self._values),
            Gauge("gate_threshold", "What a gate's value is compared with.", GATE, self._thresholds),
            Gauge("rollout_state", "1 for the state that a rollout is in.", ("migration", "state"), self._states),
        )

    async def _attend(self, migration: str) -> None:
        before = self.standings.get(migration)
        for _ in range(TRIES):
            standing, action = self._decide(migration, before)
            self.standings[migration] = standing
            fence = self._fence()
            if action is None or fence is None:
                return
            try:
                await self._rollouts.append(self._event(migration, standing.state, action, fence))
            except TakenError:
                if not await self._is_caught_up(migration):
                    return
                continue
            except StoreError as error:
                log.warning("%s: %s is not done, the store is away: %s", migration, action.verb.value, error)
                return
            log.info("%s: %s to %g %%, %s", migration, action.verb.value, action.after.percent, action.why)
            return

    def _decide(self, migration: str, before: Standing | None) -> tuple[Standing, Action | None]:
        state, ramp, now = self._rollouts.states()[migration], self._rollouts.ramp(migration), self._clock.now()
        gates = ramp.gates if ramp is not None else Gates()
        evidence = gather(self._window, migration, state.since, now, _interval(ramp), gates.min_requests)
        verdict = judge(gates, evidence, state.percent)
        failing = _failing(verdict, state, before)
        is_fit = self._rollouts.is_legacy_fit(migration)
        action = step(state, verdict, failing, ramp, now, is_legacy_fit=is_fit)
        where = position(ramp, state.percent)
        standing = Standing(now, state, shown(state, ramp, now), where, verdict, failing, sides(evidence.step))
        return standing, action

    async def _is_caught_up(self, migration: str) -> bool:
        """Somebody else was first: know what they did before deciding anew."""
        try:
            await self._rollouts.catch_up()
        except StoreError as error:
            log.warning("%s: what happened cannot be read, the store is away: %s", migration, error)
            return False
        return migration in self._rollouts.states()

    def _event(self, migration: str, state: RolloutState, action: Action, fence: int) -> Event:
        return Event(
            number=self._rollouts.number() + 1,
            at=self._clock.now(),
            migration=migration,
            verb=action.verb,
            who=self._who,
            why=action.why,
            before=state.document(),
            after=action.after.document(),
            fence=fence,
        )

    def _values(self) -> Iterator[tuple[Labels, float]]:
        for migration, standing in self.standings.items():
            for gate in standing.verdict.gates:
                if gate.value is not None:
                    yield (migration, gate.name), gate.value

    def _thresholds(self) -> Iterator[tuple[Labels, float]]:
        for migration, standing in self.standings.items():
            for gate in standing.verdict.gates:
                yield (migration, gate.name), gate.threshold

    def _states(self) -> Iterator[tuple[Labels, float]]:
        for migration, standing in self.standings.items():
            for state in State:
                yield (migration, state.value), float(standing.shown is state)


GATE: Final = ("migration", "gate")


def _interval(ramp: Ramp | None) -> float:
    return ramp.interval if ramp is not None else STATIC_INTERVAL


def _failing(verdict: Verdict, state: RolloutState, before: Standing | None) -> int:
    """A new step begins without a past."""
    if verdict.outcome is not Outcome.FAIL:
        return 0
    return before.failing + 1 if before is not None and before.state.since == state.since else 1
