"""States and transitions: by people, by the file, by the judgement."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.schema import Ramp, Rollout
from gateway.control.analysis import Verdict
from gateway.control.event import Verb
from gateway.control.rollout import (
    MAX_ATTEMPTS,
    PATIENCE,
    Action,
    RolloutState,
    State,
    VerbError,
    begin,
    edited,
    following,
    position,
    previous,
    shown,
    step,
    transition,
)
from tests.support.rollout_table import (
    BAKE,
    FAIL,
    HARD,
    HOLD,
    NOW,
    PASS,
    STEPS,
    by_itself,
    by_people,
    examples,
    ramp,
    table,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "rollout.md"
OPERATORS = (Verb.SET, Verb.PAUSE, Verb.RESUME, Verb.PROMOTE, Verb.ROLLBACK)
STATES = st.builds(
    lambda state, cooldown, **rest: RolloutState(
        state=state, cooldown_until=cooldown if state in {State.HOLDING, State.ROLLED_BACK} else None, **rest
    ),
    state=st.sampled_from([state for state in State if state not in {State.BAKING, State.STATIC}]),
    cooldown=st.none() | st.floats(NOW - BAKE, NOW + BAKE),
    percent=st.sampled_from([0.0, 0.5, *STEPS, 12.0, 99.999]),
    since=st.floats(NOW - 3 * BAKE, NOW),
    attempts=st.integers(0, 5),
    file_percent=st.just(0.0),
    file_ramp=st.just(True),
)
VERDICTS = st.sampled_from([PASS, HOLD, FAIL, HARD])
ON_FAIL = st.sampled_from(["observe", "hold", "step_down", "rollback"])


def act(
    state: RolloutState, verdict: Verdict, failing: int = 0, on_fail: str = "step_down", now: float = NOW
) -> Action:
    found = step(state, verdict, failing, ramp(on_fail), now)
    assert found is not None
    return found


def running(percent: float, state: State = State.RAMPING) -> RolloutState:
    return RolloutState(percent, state, NOW - 10 * BAKE, file_ramp=True)


@pytest.mark.parametrize("columns", [by_people, by_itself])
def test_the_table_in_the_documentation_is_what_the_functions_do(columns: object) -> None:
    assert callable(columns)
    lines = "\n".join(table(columns()))

    assert lines in DOCUMENT.read_text(encoding="utf-8"), "python -m tests.support.rollout_table prints it"


@given(STATES)
def test_a_state_survives_being_an_event(state: RolloutState) -> None:
    assert RolloutState.read(json.loads(json.dumps(state.document()))) == state


@given(STATES, VERDICTS, st.integers(0, 5), ON_FAIL)
def test_the_percent_rises_only_on_a_pass_where_it_may_and_by_one_step(
    state: RolloutState, verdict: Verdict, failing: int, on_fail: str
) -> None:
    found = step(state, verdict, failing, ramp(on_fail), NOW)

    if found is not None and found.after.percent > state.percent:
        assert verdict is PASS
        assert shown(state, ramp(), NOW) is State.RAMPING
        assert state.cooldown_until is None or state.cooldown_until <= NOW
        assert found.after.percent == following(ramp(), state.percent)
        assert found.verb is Verb.ADVANCE


@given(STATES, VERDICTS, st.integers(0, 5), ON_FAIL)
def test_the_percent_falls_only_after_two_failing_intervals_or_at_the_hard_limit(
    state: RolloutState, verdict: Verdict, failing: int, on_fail: str
) -> None:
    found = step(state, verdict, failing, ramp(on_fail), NOW)

    if found is not None and found.after.percent < state.percent:
        assert verdict is HARD or (verdict is FAIL and failing >= PATIENCE and on_fail in {"step_down", "rollback"})
        down = previous(ramp(), state.percent) if verdict is FAIL and on_fail == "step_down" else 0
        assert found.after.percent == down
        assert found.after.attempts == state.attempts + 1


@given(STATES, ON_FAIL)
def test_the_hard_limit_goes_to_0_from_every_state(state: RolloutState, on_fail: str) -> None:
    found = step(state, HARD, 1, ramp(on_fail), NOW)

    assert (
        (found.after.percent, found.after.state) == (0, State.ROLLED_BACK) if found is not None else not state.percent
    )


@given(STATES, st.lists(st.sampled_from([PASS, HOLD]), max_size=30))
def test_what_is_promoted_stays_so_while_it_is_not_broken(state: RolloutState, verdicts: list[Verdict]) -> None:
    promoted = replace(state, state=State.PROMOTED, percent=100)

    assert all(step(promoted, verdict, 0, ramp(), NOW) is None for verdict in verdicts)
    assert step(promoted, FAIL, 9, ramp("rollback"), NOW) is None


@given(STATES, st.integers(1, 400))
def test_without_traffic_nothing_moves(state: RolloutState, looks: int) -> None:
    assert step(state, HOLD, 0, ramp(), NOW + looks * 10) is None


@given(STATES, VERDICTS, st.integers(0, 5))
def test_nothing_acts_without_a_ramp(state: RolloutState, verdict: Verdict, failing: int) -> None:
    assert step(state, verdict, failing, None, NOW) is None
    assert step(replace(state, state=State.STATIC), verdict, failing, ramp(), NOW) is None


@given(STATES, st.sampled_from([FAIL, HARD]), ON_FAIL)
def test_nobody_is_sent_to_a_legacy_that_is_down(state: RolloutState, verdict: Verdict, on_fail: str) -> None:
    found = step(state, verdict, PATIENCE, ramp(on_fail), NOW, is_legacy_fit=False)

    assert found is None or found.after.percent == state.percent


@given(STATES)
def test_a_paused_rollout_goes_on_where_it_was_when_it_is_resumed(state: RolloutState) -> None:
    paused = replace(state, state=State.PAUSED)
    resumed = transition(paused, Verb.RESUME, ramp(), NOW)
    later = NOW + BAKE

    assert resumed.percent == paused.percent
    assert step(resumed, PASS, 0, ramp(), later - 1) is None or resumed.percent == 0
    assert act(resumed, PASS, now=later).verb is Verb.ADVANCE


@given(st.lists(st.tuples(VERDICTS, st.integers(10, 5000)), min_size=1, max_size=60), ON_FAIL)
def test_a_ramp_gives_up_after_so_many_steps_back(looks: list[tuple[Verdict, int]], on_fail: str) -> None:
    state, now = running(50), NOW
    for verdict, seconds in looks:
        now += seconds
        found = step(state, verdict, PATIENCE, ramp(on_fail), now)
        if found is None:
            continue
        if state.attempts >= MAX_ATTEMPTS:
            assert found.after.percent <= state.percent
        state = found.after


def walk(state: RolloutState, verdicts: list[Verdict], seconds: float, plan: Ramp) -> list[RolloutState]:
    """Return every state that it comes to."""
    found, now, failing = [state], state.since, 0
    for verdict in verdicts:
        now += seconds
        failing = failing + 1 if verdict.outcome == "fail" else 0
        action = step(found[-1], verdict, failing, plan, now)
        if action is not None:
            found.append(action.after)
    return found


def test_a_healthy_ramp_takes_every_step_and_bakes_on_each() -> None:
    start = begin(Rollout(ramp=ramp()), NOW)
    path = walk(start, [PASS] * 4000, 10, ramp())

    assert [state.percent for state in path] == [0, *STEPS, 100]
    assert [later - earlier for earlier, later in pairwise(state.since for state in path[1:-1])] == [BAKE] * 5
    assert path[-1].state is State.PROMOTED


def test_a_ramp_that_ends_below_100_percent_waits_for_a_person() -> None:
    plan = ramp(steps=(1, 5))
    path = walk(begin(Rollout(ramp=plan), NOW), [PASS] * 1000, 10, plan)

    assert (path[-1].percent, path[-1].state) == (5, State.HOLDING)


def test_the_cool_down_grows_and_after_three_steps_back_a_person_decides() -> None:
    state, waits = running(50), []
    for _ in range(MAX_ATTEMPTS):
        state = act(state, FAIL, PATIENCE).after
        waits.append(state.cooldown_until and state.cooldown_until - NOW)

    assert waits == [BAKE, 2 * BAKE, None]
    assert step(state, PASS, 0, ramp(), NOW + 100 * BAKE) is None


def test_after_the_cool_down_a_ramp_goes_on_by_itself() -> None:
    state = act(running(25), FAIL, PATIENCE).after

    assert shown(state, ramp(), NOW + BAKE - 1) is State.HOLDING
    assert step(state, PASS, 0, ramp(), NOW + BAKE - 1) is None
    assert act(state, PASS, now=NOW + BAKE).after.percent == 25


def test_one_failing_interval_is_waited_out() -> None:
    assert step(running(25), FAIL, 1, ramp(), NOW) is None


def test_below_the_first_step_is_nobody() -> None:
    action = act(running(1), FAIL, PATIENCE)

    assert (action.after.percent, action.after.state, action.verb) == (0, State.ROLLED_BACK, Verb.ROLLBACK)


def test_observe_moves_nothing_and_holds_the_ramp_back() -> None:
    assert step(running(25), FAIL, 50, ramp("observe"), NOW) is None


@pytest.mark.parametrize(("name", "example"), examples().items())
@pytest.mark.parametrize("verb", OPERATORS)
def test_a_verb_applies_or_says_why_not(verb: Verb, name: str, example: tuple[RolloutState, Ramp | None]) -> None:
    state, plan = example
    try:
        after = transition(state, verb, plan, NOW, 30)
    except VerbError as error:
        assert len(str(error)) > 10
    else:
        assert after != state
        assert after.attempts == 0 or verb is Verb.PAUSE, name


@pytest.mark.parametrize(("verb", "percent"), [(Verb.SET, None), (Verb.SET, 101), (Verb.SET, -1), (Verb.HOLD, None)])
def test_what_is_no_verb_for_people_is_refused(verb: Verb, percent: float | None) -> None:
    with pytest.raises(VerbError):
        transition(running(10), verb, ramp(), NOW, percent)


def test_an_unchanged_file_changes_nothing() -> None:
    rollout = Rollout(percent=10, ramp=ramp())
    state = begin(rollout, NOW)

    assert edited(replace(state, percent=50), rollout, NOW) is None


def test_an_edited_percent_applies_at_once() -> None:
    state = replace(begin(Rollout(percent=10), NOW), percent=50)
    after = edited(state, Rollout(percent=20), NOW)

    assert after is not None
    assert (after.percent, after.file_percent, after.state) == (20, 20, State.STATIC)


def test_a_ramp_that_comes_with_another_percent_begins_there() -> None:
    after = edited(begin(Rollout(percent=0), NOW), Rollout(percent=5, ramp=ramp()), NOW)

    assert after is not None
    assert (after.percent, after.state, after.file_ramp) == (5, State.RAMPING, True)


def test_a_step_s_position_is_counted_from_one() -> None:
    assert [position(ramp(), percent) for percent in (0, 1, 4, 5, 100)] == [0, 1, 1, 2, 6]
    assert position(None, 50) is None
