"""The promise that a good successor is left alone and a bad one is caught, by the real judge on a clock moved by hand.

`python -m benchmarks.ramps` is the same with hundreds of ramps of full length; docs/rollout.md has its table.
"""

from dataclasses import replace

import pytest

from gateway.config.schema import Ramp
from gateway.control.event import Verb
from gateway.control.rollout import State
from tests.support.simulation import Scenario, Side, simulate

STEPS = (1, 5, 10, 25, 50, 100)
QUICK = Scenario("", ramp=Ramp(steps=STEPS, bake="20m"))
AT_TEN = Scenario("", rate=200, percent=10, fault_at=297.0, seconds=900, chunk=3.0)
FIVE = Side(errors=0.05, factor=1.05)
INTERVAL = 10.0


@pytest.mark.parametrize("rate", [20, 200])
async def test_a_healthy_successor_is_never_rolled_back_in_noise(rate: float) -> None:
    results = [await simulate(replace(QUICK, rate=rate), seed) for seed in range(1, 4)]

    assert [result.first_back() for result in results] == [None] * 3
    assert {(result.percent, result.state) for result in results} == {(100, State.PROMOTED)}


async def test_a_successor_with_five_percent_errors_is_caught_at_the_first_step() -> None:
    results = [await simulate(replace(QUICK, good=FIVE, bad=FIVE, seconds=7200), seed) for seed in range(1, 21)]
    caught = [result for result in results if (result.percent, result.state) == (0, State.ROLLED_BACK)]

    assert len(caught) >= 19


async def test_five_percent_errors_that_begin_in_a_step_are_caught() -> None:
    scenario = replace(AT_TEN, rate=20, bad=FIVE, seconds=1800)
    results = [await simulate(scenario, seed) for seed in range(1, 11)]
    backs = [back for result in results if (back := result.first_back()) is not None and back[0] >= scenario.fault_at]

    assert len(backs) >= 9
    assert {event.verb for _, event in backs} == {Verb.STEP_DOWN}


@pytest.mark.parametrize(
    ("bad", "verb"),
    [
        (Side(errors=0.3), {Verb.ROLLBACK, Verb.STEP_DOWN}),
        (Side(added_seconds=2.0), {Verb.STEP_DOWN}),
        (Side(errors=1.0, factor=0.01), {Verb.ROLLBACK}),
    ],
    ids=["30 % errors", "2 s slower", "refused"],
)
async def test_a_broken_successor_at_ten_percent_is_caught_within_three_intervals(bad: Side, verb: set[Verb]) -> None:
    for seed in range(1, 5):
        back = (await simulate(replace(AT_TEN, bad=bad), seed)).first_back()

        assert back is not None
        at, event = back
        assert 0 < at - AT_TEN.fault_at <= 3 * INTERVAL
        assert event.verb in verb


async def test_an_hour_without_traffic_moves_nothing() -> None:
    for percent in (0, 10):
        result = await simulate(Scenario("", rate=0, percent=percent, seconds=3600), 1)

        assert (result.events, result.percent) == ([], percent)
