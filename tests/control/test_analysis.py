"""The judgement, gate by gate, at the thresholds of the example file."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.schema import Gates
from gateway.control.analysis import Evidence, Gate, Outcome, Verdict, gather, judge, sides
from gateway.control.figures import Figures, Tally
from gateway.control.window import Window
from tests.support.figures import ENDPOINT, evidence, figures, tally

GATES = Gates()
OFF = Gates(error_rate=None, error_gap=None, p95=None, p95_ratio=None, mismatch=None)
HEALTHY = tally(2000, 10)
TALLIES = st.builds(
    lambda requests, failures, slow: tally(requests, min(failures, requests), slow=min(slow, requests)),
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.integers(0, 3000),
)


def verdict(legacy: Tally | None, successor: Tally | None, gates: Gates = GATES, percent: float = 10) -> Verdict:
    return judge(gates, evidence(figures(legacy, successor)), percent)


def gate(found: Verdict, name: str) -> Gate:
    return next(one for one in found.gates if one.name == name)


def outcomes(found: Verdict) -> dict[str, str]:
    return {one.name: one.outcome.value for one in found.gates if one.outcome is not Outcome.PASS}


def test_a_successor_like_legacy_passes_with_every_value_beside_its_threshold() -> None:
    found = verdict(HEALTHY, HEALTHY)

    assert found.outcome is Outcome.PASS
    assert [(one.name, one.threshold) for one in found.gates] == [
        ("min_requests", 200),
        ("error_rate", 2),
        ("error_gap", 1),
        ("p95", 1),
        ("p95_ratio", 1.5),
        ("mismatch", 1),
        ("hard_limit", 25),
    ]
    assert gate(found, "error_rate").value == 0.5
    assert gate(found, "p95_ratio").value == 1


def test_too_few_requests_hold_and_say_how_many_are_missing() -> None:
    found = verdict(HEALTHY, tally(140))

    assert found.outcome is Outcome.HOLD
    assert gate(found, "min_requests").missing == 60
    assert "the successor has had 140 of 200 requests, 60 are missing" in found.words


def test_too_little_of_legacy_holds_what_compares_with_it() -> None:
    found = verdict(tally(150), HEALTHY)

    assert outcomes(found) == {"error_gap": "hold", "p95_ratio": "hold"}
    assert "error_gap: legacy has had 150 of 200 requests" in found.words


def test_no_traffic_at_all_holds() -> None:
    assert verdict(None, None).outcome is Outcome.HOLD
    assert verdict(None, None, percent=0).outcome is Outcome.HOLD
    assert verdict(None, None, percent=100).outcome is Outcome.HOLD


@pytest.mark.parametrize(
    ("failures", "outcome"), [(0, "pass"), (4, "pass"), (6, "hold"), (16, "hold"), (17, "fail"), (40, "fail")]
)
def test_failures_are_judged_by_what_they_prove_against_the_limit(failures: int, outcome: str) -> None:
    found = verdict(None, tally(200, failures), Gates(error_gap=None, p95_ratio=None))

    assert found.outcome.value == outcome


def test_one_failure_in_thirty_does_not_fail() -> None:
    found = verdict(HEALTHY, tally(30, 1), Gates(min_requests=30))

    assert found.outcome is Outcome.HOLD
    assert "may be chance" in gate(found, "error_rate").words


@pytest.mark.parametrize(
    ("failures", "outcome"), [(1, "pass"), (2, "pass"), (4, "hold"), (7, "hold"), (12, "fail"), (20, "fail")]
)
def test_failures_are_judged_beside_legacy_s(failures: int, outcome: str) -> None:
    found = verdict(tally(20_000, 100), tally(200, failures), Gates(error_rate=None))

    assert found.outcome.value == outcome


def test_a_gap_below_the_limit_passes_however_certain_it_is() -> None:
    found = verdict(tally(10**6, 1000), tally(10**6, 10_000))

    assert gate(found, "error_gap").value == pytest.approx(0.9)
    assert found.outcome is Outcome.PASS


def test_a_successor_better_than_legacy_passes() -> None:
    assert verdict(tally(5000, 1000), tally(5000, 5)).outcome is Outcome.PASS


@pytest.mark.parametrize(("slow", "outcome"), [(0, "pass"), (8, "pass"), (14, "hold"), (40, "fail"), (200, "fail")])
def test_the_successor_s_95th_percentile_is_held_against_the_limit(slow: int, outcome: str) -> None:
    found = verdict(tally(2000, slow=200), tally(200, slow=slow), Gates(p95_ratio=None))

    assert gate(found, "p95").outcome.value == outcome


@pytest.mark.parametrize(
    ("legacy", "successor", "outcome"),
    [
        (0.18, 0.19, "pass"),
        (0.18, 0.6, "fail"),
        (0.002, 0.02, "pass"),  # ten times as slow, and no harm
        (0.095, 0.105, "pass"),  # just below and just above a bucket's bound
        (0.49, 0.51, "pass"),
        (0.99, 1.01, "pass"),
        (0.4, 0.2, "pass"),
        (0.1, 0.3, "fail"),
    ],
)
def test_the_successor_s_95th_percentile_is_held_against_legacy_s(
    legacy: float, successor: float, outcome: str
) -> None:
    found = verdict(tally(2000, seconds=legacy), tally(400, seconds=successor), Gates(p95=None))

    assert gate(found, "p95_ratio").outcome.value == outcome


def test_two_seconds_more_fail_both_latency_gates() -> None:
    found = verdict(tally(2000, seconds=0.12), tally(200, seconds=2.12))

    assert outcomes(found) == {"p95": "fail", "p95_ratio": "fail"}


@pytest.mark.parametrize(
    ("compared", "differing", "outcome"),
    [(0, 0, "pass"), (50, 0, "pass"), (50, 1, "hold"), (50, 50, "hold"), (1000, 9, "pass"), (1000, 100, "fail")],
)
def test_compared_answers_count_where_there_are_any(compared: int, differing: int, outcome: str) -> None:
    step = figures(HEALTHY, HEALTHY, Tally(compared, differing))

    assert judge(GATES, evidence(step), 10).outcome.value == outcome


@pytest.mark.parametrize("name", ["error_rate", "error_gap", "p95", "p95_ratio", "mismatch"])
def test_null_switches_a_gate_off(name: str) -> None:
    step = figures(tally(2000), tally(2000, 400, slow=1000), Tally(1000, 500))
    found = judge(GATES.model_copy(update={name: None}), evidence(step), 10)
    names = {one.name for one in judge(GATES, evidence(step), 10).gates}

    assert names - {one.name for one in found.gates} == {name}
    assert outcomes(judge(OFF, evidence(step), 10)) == {}


def test_at_a_hundred_percent_there_is_nothing_to_compare_with() -> None:
    found = verdict(None, HEALTHY, percent=100)

    assert found.outcome is Outcome.PASS
    assert gate(found, "error_gap").value is None
    assert verdict(None, tally(2000, 400), percent=100).outcome is Outcome.FAIL


def test_before_the_first_step_legacy_s_traffic_is_enough() -> None:
    assert verdict(HEALTHY, None, percent=0).outcome is Outcome.PASS
    assert "legacy, before the first step, has had 150 of 200" in verdict(tally(150), None, percent=0).words


def test_pinned_callers_are_judged_before_the_first_step() -> None:
    assert verdict(HEALTHY, tally(400, 60), percent=0).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("requests", "failures", "is_hard"), [(49, 49, False), (50, 12, False), (50, 13, True), (400, 100, False)]
)
def test_over_a_quarter_of_fifty_requests_is_the_hard_limit(requests: int, failures: int, is_hard: bool) -> None:
    found = verdict(HEALTHY, tally(requests, failures))

    assert found.is_hard is is_hard
    assert not is_hard or found.outcome is Outcome.FAIL


def test_the_hard_limit_holds_before_the_first_step_and_with_every_gate_off() -> None:
    assert verdict(HEALTHY, tally(60, 60), percent=0).is_hard
    assert verdict(HEALTHY, tally(60, 60), OFF).is_hard


def test_what_has_only_begun_shows_beside_a_long_good_past() -> None:
    good, bad = figures(tally(90_000), tally(10_000, 60)), figures(tally(2700), tally(300, 30))
    found = judge(GATES, Evidence(good, bad, bad), 10)

    assert outcomes(found) == {"error_rate": "fail", "error_gap": "fail"}


def test_a_small_difference_that_lasts_shows_beside_a_short_good_present() -> None:
    long, short = figures(tally(90_000, 450), tally(10_000, 300)), figures(tally(2700), tally(300, 3))
    latest = figures(tally(450), tally(50, 2))
    found = judge(GATES, Evidence(long, short, latest), 10)

    assert outcomes(found) == {"error_rate": "fail", "error_gap": "fail"}


def test_what_is_over_again_holds_and_does_not_fail() -> None:
    hiccup, latest = figures(tally(2700, 15), tally(300, 40)), figures(tally(450, 2), tally(50))
    found = judge(GATES, Evidence(hiccup, hiccup, latest), 10)

    assert outcomes(found) == {"error_rate": "hold", "error_gap": "hold"}
    assert "within it again" in found.words


def test_a_recent_end_that_is_too_short_does_not_hold_what_the_step_has_shown() -> None:
    step = figures(HEALTHY, HEALTHY)

    assert judge(GATES, Evidence(step, figures(tally(5), tally(5)), figures(None, None)), 10).outcome is Outcome.PASS


@given(TALLIES, TALLIES, st.sampled_from([0, 1, 50, 100]))
def test_the_most_severe_gate_decides_and_says_why(legacy: Tally, successor: Tally, percent: float) -> None:
    found = verdict(legacy, successor, percent=percent)

    assert found.outcome is max((one.outcome for one in found.gates), key=["pass", "hold", "fail"].index)
    assert found.words
    assert found.document()["outcome"] == found.outcome.value


@given(TALLIES, TALLIES, st.integers(1, 500))
def test_more_failures_never_make_a_verdict_milder(legacy: Tally, successor: Tally, more: int) -> None:
    worse = replace(successor, failures=min(successor.failures + more, successor.requests))
    order = ["pass", "hold", "fail"]

    mild, severe = (order.index(verdict(legacy, one).outcome) for one in (successor, worse))
    assert severe >= mild


@given(TALLIES)
def test_a_side_that_is_judged_beside_itself_has_no_gap(side: Tally) -> None:
    found = verdict(side, side, Gates(error_rate=None, p95=None))

    assert found.is_hard or found.outcome is not Outcome.FAIL


def test_what_is_judged_is_taken_from_the_window() -> None:
    window = Window()
    for at in range(0, 3600, 10):
        slot = {"m": {(ENDPOINT, "successor"): tally(4).packed, (ENDPOINT, "legacy"): tally(36).packed}}
        window.add(slot, 1_800_000_000 + at)
    found = gather(window, "m", 1_800_000_000, 1_800_003_600, 10.0, 200)

    counts = [one.successor_total.requests for one in (found.step, found.recent, found.latest)]
    assert counts == [1440, 216, 52]  # older slots are whole minutes: a few more than were asked for


def test_both_sides_counts_are_shown() -> None:
    assert sides(Figures(0, 1, {}, {ENDPOINT: tally(200, 5)}))["successor"] == {
        "requests": 200,
        "failures": 5,
        "failure_percent": 2.5,
        "p95": 0.0243,
    }
