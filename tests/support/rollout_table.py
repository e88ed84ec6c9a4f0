"""The table of states and transitions in docs/rollout.md, made by the functions that it describes."""

from collections.abc import Callable, Iterator
from typing import Final

from gateway.config.schema import Ramp, Rollout
from gateway.control.analysis import Outcome, Verdict
from gateway.control.event import Verb
from gateway.control.rollout import (
    MAX_ATTEMPTS,
    PATIENCE,
    RolloutState,
    State,
    VerbError,
    edited,
    shown,
    step,
    transition,
)

NOW: Final = 1_800_000_000.0
BAKE: Final = 3600.0
STEPS: Final = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0)
PASS: Final = Verdict(Outcome.PASS, "every gate passes", ())
HOLD: Final = Verdict(Outcome.HOLD, "too few requests", ())
FAIL: Final = Verdict(Outcome.FAIL, "error_gap", ())
HARD: Final = Verdict(Outcome.FAIL, "hard limit", (), is_hard=True)

type Cell = Callable[[RolloutState, Ramp | None], RolloutState | None]


def ramp(on_fail: str = "step_down", steps: tuple[float, ...] = STEPS) -> Ramp:
    """Return the contract's example, with another answer to failure."""
    return Ramp.model_validate({"steps": steps, "bake": "1h", "on_fail": on_fail})


def examples() -> dict[str, tuple[RolloutState, Ramp | None]]:
    """Return one rollout in each state, in the middle of its ramp where it can be."""
    old, new = NOW - 10 * BAKE, NOW - 60

    def at(
        state: State, percent: float, since: float, cooldown: float | None = None, attempts: int = 0
    ) -> RolloutState:
        return RolloutState(percent, state, since, attempts, cooldown, 0.0, file_ramp=state is not State.STATIC)

    return {
        "static": (at(State.STATIC, 10, old), None),
        "ramping, before the first step": (at(State.RAMPING, 0, old), ramp()),
        "ramping": (at(State.RAMPING, 10, old), ramp()),
        "ramping, last step": (at(State.RAMPING, 100, old), ramp()),
        "baking": (at(State.RAMPING, 10, new), ramp()),
        "holding, cooling down": (at(State.HOLDING, 10, new, NOW + BAKE, 1), ramp()),
        "holding, for a person": (at(State.HOLDING, 10, old, attempts=MAX_ATTEMPTS), ramp()),
        "paused": (at(State.PAUSED, 10, old), ramp()),
        "promoted": (at(State.PROMOTED, 100, old), ramp()),
        "rolled_back, cooling down": (at(State.ROLLED_BACK, 0, new, NOW + BAKE, 1), ramp()),
        "rolled_back, for a person": (at(State.ROLLED_BACK, 0, old), ramp()),
    }


def by_people() -> dict[str, Cell]:
    """Return what people can do, and the file."""

    def verb(which: Verb, percent: float | None = None) -> Cell:
        return lambda state, plan: transition(state, which, plan, NOW, percent)

    def file(percent: float | None, *, has_ramp: bool) -> Cell:
        def edit(state: RolloutState, _: Ramp | None) -> RolloutState | None:
            wanted = state.file_percent if percent is None else percent
            return edited(state, Rollout(percent=wanted, ramp=ramp() if has_ramp else None), NOW)

        return edit

    return {
        "set 5": verb(Verb.SET, 5),
        "set 30": verb(Verb.SET, 30),
        "pause": verb(Verb.PAUSE),
        "resume": verb(Verb.RESUME),
        "promote": verb(Verb.PROMOTE),
        "rollback": verb(Verb.ROLLBACK),
        "ramp into the file": file(None, has_ramp=True),
        "ramp out of the file": file(None, has_ramp=False),
    }


def by_itself() -> dict[str, Cell]:
    """Return what the controller does."""

    def judged(verdict: Verdict, failing: int = 0, on_fail: str = "step_down") -> Cell:
        def look(state: RolloutState, plan: Ramp | None) -> RolloutState | None:
            found = step(state, verdict, failing, plan and ramp(on_fail), NOW)
            return found.after if found is not None else None

        return look

    failing = {f"`{kind}`": judged(FAIL, PATIENCE, kind) for kind in ("observe", "hold", "step_down", "rollback")}
    return {"pass": judged(PASS), "hold, fail once": judged(HOLD), **failing, "hard limit": judged(HARD)}


def table(columns: dict[str, Cell]) -> Iterator[str]:
    """Yield the lines of one table: what is written is where a rollout is afterwards, with its percent."""
    yield f"| from | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, (state, plan) in examples().items():
        cells = [_written(cell, state, plan) for cell in columns.values()]
        yield f"| {name}, {state.percent:g} % | {' | '.join(cells)} |"


def _written(cell: Cell, state: RolloutState, plan: Ramp | None) -> str:
    try:
        after = cell(state, plan)
    except VerbError:
        return "409"
    if after is None or after == state:
        return "–"
    now_ramp = ramp() if after.file_ramp else None
    name = shown(after, now_ramp, NOW).value
    waits = {State.HOLDING, State.ROLLED_BACK}
    suffix = ", cooling down" if after.state in waits and after.cooldown_until is not None else ""
    return f"{name} {after.percent:g} %{suffix}"


if __name__ == "__main__":
    print("\n".join([*table(by_people()), "", *table(by_itself())]))  # noqa: T201
