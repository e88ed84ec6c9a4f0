"""A rollout's states and what leads from one to the other: by people, by the file, and by the judgement.

Everything here is a plain function of what is known; docs/rollout.md holds the table that these functions make.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, assert_never

from gateway.config.schema.migration import Ramp, Rollout
from gateway.control.analysis import Outcome, Verdict
from gateway.control.event import Verb

PATIENCE: Final = 2
"""So many failing intervals in a row make `on_fail` act: one may be a hiccup."""
MAX_ATTEMPTS: Final = 3
"""After so many automatic steps back a person decides."""
TOP: Final = 100.0


class State(StrEnum):
    """Where a rollout stands.

    STATIC has no ramp: nothing moves by itself. RAMPING moves up at the next `pass`; BAKING is the same, in the first
    `bake` of a step. HOLDING stays where it is, and ROLLED_BACK at 0: until a cool-down ends, or for a person to
    decide. PAUSED was stopped by a person and never moves up by itself. PROMOTED is done.
    """

    STATIC = "static"
    RAMPING = "ramping"
    BAKING = "baking"
    HOLDING = "holding"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


class VerbError(Exception):
    """The verb does not apply in this state; the text says why, and what would."""


@dataclass(frozen=True, slots=True)
class RolloutState:
    """What is known about one rollout; times are Unix seconds. It is kept as the `after` of events.

    `state` is never BAKING, which only time makes of RAMPING: `shown` says what holds now. `since` is when this step
    began: older figures do not judge it. `attempts` counts automatic steps back since a person last decided, and
    `cooldown_until` is when the ramp may go on by itself, None if it may not. `file_percent` and `file_ramp` are what
    the file said when it was last looked at, so that only an edit of it is one.
    """

    percent: float
    state: State
    since: float
    attempts: int = 0
    cooldown_until: float | None = None
    file_percent: float = 0.0
    file_ramp: bool = False

    def document(self) -> dict[str, Any]:
        """Return it as an event keeps it."""
        return {
            "percent": self.percent,
            "state": self.state.value,
            "since": self.since,
            "attempts": self.attempts,
            "cooldown_until": self.cooldown_until,
            "file_percent": self.file_percent,
            "file_ramp": self.file_ramp,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "RolloutState":
        """Read what an event has kept; raises KeyError or ValueError for anything else."""
        cooldown = document["cooldown_until"]
        return cls(
            percent=float(document["percent"]),
            state=State(document["state"]),
            since=float(document["since"]),
            attempts=int(document["attempts"]),
            cooldown_until=None if cooldown is None else float(cooldown),
            file_percent=float(document["file_percent"]),
            file_ramp=bool(document["file_ramp"]),
        )


@dataclass(frozen=True, slots=True)
class Action:
    """What the controller does: the event's verb, the state after it, and why."""

    verb: Verb
    after: RolloutState
    why: str


def begin(rollout: Rollout, now: float) -> RolloutState:
    """Return the state of a migration that was never changed: the file's."""
    state = State.STATIC if rollout.ramp is None else State.RAMPING
    return RolloutState(rollout.percent, state, now, file_percent=rollout.percent, file_ramp=rollout.ramp is not None)


def shown(state: RolloutState, ramp: Ramp | None, now: float) -> State:
    """Return the state as of now: a step bakes for a while, and a cool-down ends by itself."""
    moves = state.state
    if moves in {State.HOLDING, State.ROLLED_BACK} and state.cooldown_until is not None and now >= state.cooldown_until:
        moves = State.RAMPING
    is_baking = ramp is not None and state.percent > 0 and now < state.since + ramp.bake
    return State.BAKING if moves is State.RAMPING and is_baking else moves


def edited(state: RolloutState, rollout: Rollout, now: float) -> RolloutState | None:
    """Return what an edited file makes of it, None if what the file says of the split has not changed.

    An edited percent applies at once, as if an operator had set it.
    """
    has_ramp = rollout.ramp is not None
    if state.file_percent == rollout.percent and state.file_ramp == has_ramp:
        return None
    found = replace(state, file_percent=rollout.percent, file_ramp=has_ramp)
    if has_ramp and found.state is State.STATIC:
        found = replace(_decided(found, now), state=State.RAMPING)
    elif not has_ramp:
        is_over = found.state in {State.PROMOTED, State.ROLLED_BACK}
        found = replace(found, state=found.state if is_over else State.STATIC, cooldown_until=None)
    return found if state.file_percent == rollout.percent else _set(found, rollout.percent, rollout.ramp, now)


def transition(
    state: RolloutState, verb: Verb, ramp: Ramp | None, now: float, percent: float | None = None
) -> RolloutState:
    """Return what an operator's verb makes of it; `percent` is for SET. Raises VerbError where it does not apply."""
    match verb:
        case Verb.SET if percent is not None and 0 <= percent <= TOP:
            return _set(state, percent, ramp, now)
        case Verb.SET:
            raise VerbError("set needs a percent from 0 to 100")
        case Verb.PAUSE:
            return _pause(state, ramp)
        case Verb.RESUME:
            return _resume(state, ramp, now)
        case Verb.PROMOTE:
            return _finish(state, State.PROMOTED, TOP, now)
        case Verb.ROLLBACK:
            return _finish(state, State.ROLLED_BACK, 0.0, now)
        case _:
            raise VerbError(f"{verb.value} is no verb of a rollout: use set, pause, resume, promote or rollback")


def step(
    state: RolloutState, verdict: Verdict, failing: int, ramp: Ramp | None, now: float, *, is_legacy_fit: bool = True
) -> Action | None:
    """Return what the controller does about a verdict, None for nothing.

    `failing` counts the failing intervals in a row, this one included. Without a ramp nothing is done; with one, the
    way down is open in every state, the way up only while RAMPING. PROMOTED only the hard limit undoes. While legacy is
    not fit to serve, nobody is sent there.
    """
    if ramp is None or state.state is State.STATIC:
        return None
    if verdict.outcome is Outcome.PASS:
        return _up(state, ramp, now)
    if verdict.outcome is Outcome.HOLD:
        return None
    if verdict.is_hard:
        return _down(state, 0.0, verdict, ramp, now) if is_legacy_fit else None
    if failing < PATIENCE or state.state is State.PROMOTED:
        return None
    match ramp.on_fail:
        case "observe":
            return None
        case "hold":
            return _hold(state, verdict)
        case "step_down":
            return _down(state, previous(ramp, state.percent), verdict, ramp, now) if is_legacy_fit else None
        case "rollback":
            return _down(state, 0.0, verdict, ramp, now) if is_legacy_fit else None
    assert_never(ramp.on_fail)


def following(ramp: Ramp, percent: float) -> float | None:
    """Return the first step above a percent, None after the last."""
    return next((found for found in ramp.steps if found > percent), None)


def previous(ramp: Ramp, percent: float) -> float:
    """Return the last step below a percent, 0 before the first."""
    return max((found for found in ramp.steps if found < percent), default=0.0)


def position(ramp: Ramp | None, percent: float) -> int | None:
    """Return which step a percent has reached, counted from 1; 0 before the first, None without a ramp."""
    return None if ramp is None else sum(found <= percent for found in ramp.steps)


def _decided(state: RolloutState, now: float) -> RolloutState:
    """A person has decided: what was tried before does not count any more, and the step begins now."""
    return replace(state, since=now, attempts=0, cooldown_until=None)


def _set(state: RolloutState, percent: float, ramp: Ramp | None, now: float) -> RolloutState:
    """Up: as it was, and what held it is over. Down: it stays down until a person resumes."""
    found = replace(_decided(state, now), percent=percent)
    if ramp is None:
        return replace(found, state=State.STATIC)
    if percent < state.percent or state.state is State.PAUSED:
        return replace(found, state=State.PAUSED)
    return replace(found, state=State.RAMPING)


def _pause(state: RolloutState, ramp: Ramp | None) -> RolloutState:
    if ramp is None:
        raise VerbError("there is no ramp, so nothing moves by itself")
    if state.state in {State.PAUSED, State.PROMOTED}:
        raise VerbError(f"it is {state.state.value} already, and does not move up by itself")
    return replace(state, state=State.PAUSED, cooldown_until=None)


def _resume(state: RolloutState, ramp: Ramp | None, now: float) -> RolloutState:
    if ramp is None:
        raise VerbError("there is no ramp to resume: set a percent")
    if state.state not in {State.PAUSED, State.HOLDING, State.ROLLED_BACK}:
        raise VerbError(f"it is {state.state.value}, not stopped")
    return replace(_decided(state, now), state=State.RAMPING)


def _finish(state: RolloutState, end: State, percent: float, now: float) -> RolloutState:
    if state.state is end and state.percent == percent and state.cooldown_until is None:
        raise VerbError(f"it is {end.value} already")
    return replace(_decided(state, now), state=end, percent=percent)


def _up(state: RolloutState, ramp: Ramp, now: float) -> Action | None:
    if shown(state, ramp, now) is not State.RAMPING:
        return None
    target = following(ramp, state.percent)
    if target is not None:
        after = replace(state, percent=target, state=State.RAMPING, since=now, cooldown_until=None)
        return Action(Verb.ADVANCE, after, f"every gate passes at {state.percent:g} %")
    if state.percent == TOP:
        done = replace(state, state=State.PROMOTED, cooldown_until=None)
        return Action(Verb.ADVANCE, done, "every gate passes at 100 %: the ramp is done")
    held = replace(state, state=State.HOLDING, cooldown_until=None)
    return Action(Verb.HOLD, held, f"every gate passes at {state.percent:g} %, the last step: a person decides")


def _hold(state: RolloutState, verdict: Verdict) -> Action | None:
    if state.state is not State.RAMPING and state.cooldown_until is None:
        return None
    held = State.ROLLED_BACK if state.state is State.ROLLED_BACK else State.HOLDING
    return Action(Verb.HOLD, replace(state, state=held, cooldown_until=None), verdict.words)


def _down(state: RolloutState, target: float, verdict: Verdict, ramp: Ramp, now: float) -> Action | None:
    if state.percent <= target:
        return None
    after = replace(state, percent=target, since=now, attempts=state.attempts + 1, cooldown_until=None)
    after = replace(after, state=_lowered(state, target), cooldown_until=_cooldown(state, after.attempts, ramp, now))
    return Action(Verb.STEP_DOWN if target > 0 else Verb.ROLLBACK, after, verdict.words)


def _lowered(state: RolloutState, target: float) -> State:
    if target == 0:
        return State.ROLLED_BACK
    return State.PAUSED if state.state is State.PAUSED else State.HOLDING


def _cooldown(state: RolloutState, attempts: int, ramp: Ramp, now: float) -> float | None:
    """One bake, then two. What a person had stopped or ended, and what has failed too often, waits for a person."""
    is_automatic = state.state is State.RAMPING or state.cooldown_until is not None
    return now + ramp.bake * 2 ** (attempts - 1) if is_automatic and attempts < MAX_ATTEMPTS else None
