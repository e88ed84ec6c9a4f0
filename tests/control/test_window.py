"""Slots of counts: what is counted, how gateways' slots become one window, and what is taken from it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.figures import LEGACY, NOTHING, SHADOW, SUCCESSOR, Figures, Tally
from gateway.control.window import KEPT_SECONDS, SLOT_SECONDS, Slot, Window, counted, slot_start
from gateway.observability.delta import Delta, Observed, Unreported
from gateway.observability.metrics import Metrics
from tests.support.figures import ENDPOINT, tally

START = 1_800_000_000
M = "watchlist"


def slot(successor: Tally = NOTHING, legacy: Tally = NOTHING, migration: str = M) -> Slot:
    return {migration: {(ENDPOINT, SUCCESSOR): successor.packed, (ENDPOINT, LEGACY): legacy.packed}}


def served(figures: Figures) -> tuple[int, int]:
    return figures.legacy_total.requests, figures.successor_total.requests


def test_what_was_counted_since_a_moment_is_taken() -> None:
    window = Window()
    for at in range(0, 100, 10):
        window.add(slot(tally(2), tally(3)), START + at)

    assert served(window.take(M, START + 50, START + 100)) == (15, 10)


def test_the_slot_in_which_a_step_began_is_left_out() -> None:
    window = Window()
    window.add(slot(tally(100, 100)), START + 1)
    window.add(slot(tally(5)), START + 11)

    assert window.take(M, START + 0.5, START + 20).successor_total == tally(5)


def test_a_migration_without_traffic_has_done_nothing() -> None:
    window = Window()

    assert served(window.take("other", START, START + 10)) == (0, 0)
    assert served(window.latest("other", START, START + 10, seconds=10, requests=5)) == (0, 0)


def test_the_latest_slots_reach_back_until_they_hold_enough_requests() -> None:
    window = Window()
    for at in range(0, 1000, 10):
        window.add(slot(tally(10), tally(1)), START + at)

    found = window.latest(M, START, START + 1000, seconds=10, requests=55)

    assert served(found) == (6, 60)
    assert found.since == START + 940


def test_the_latest_slots_reach_back_for_at_least_so_many_seconds() -> None:
    window = Window()
    for at in range(0, 1000, 10):
        window.add(slot(tally(1000)), START + at)

    assert window.latest(M, START, START + 1000, seconds=30, requests=200).since == START + 970


def test_the_latest_slots_never_reach_back_before_the_step() -> None:
    window = Window()
    for at in range(0, 1000, 10):
        window.add(slot(tally(1)), START + at)

    found = window.latest(M, START + 900, START + 1000, seconds=30, requests=200)

    assert served(found) == (0, 10)
    assert found.since == START + 900


def test_a_step_is_remembered_for_a_day_and_no_longer() -> None:
    window = Window()
    for at in range(0, 2 * KEPT_SECONDS, 100):
        window.add(slot(tally(1)), START + at)

    kept = window.take(M, START, START + 2 * KEPT_SECONDS).successor_total.requests

    assert kept == pytest.approx(KEPT_SECONDS / 100, abs=2)


def test_old_slots_become_minutes_and_lose_nothing() -> None:
    window = Window()
    for at in range(0, 7200, 10):
        window.add(slot(tally(1), migration=M), START // 60 * 60 + at)

    assert window.take(M, 0, START + 7200).successor_total.requests == 720
    assert repr(window) == "<Window 1 migrations, 145 slots>"


def test_late_counts_of_an_old_slot_are_not_lost() -> None:
    window = Window()
    window.add(slot(tally(1)), START + 5000)
    window.add(slot(tally(1)), START)

    assert window.take(M, 0, START + 5000).successor_total.requests == 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.integers(0, 50)), max_size=40), st.randoms())
def test_the_order_in_which_gateways_slots_arrive_does_not_matter(
    reports: list[tuple[str, int, int]], chance: random.Random
) -> None:
    sources = {name: Window() for name in "abc"}
    for name, at, requests in reports:
        sources[name].add(slot(tally(requests)), START + at * SLOT_SECONDS)
    texts = [(name, START + at * SLOT_SECONDS) for name, at, _ in reports] * 2
    chance.shuffle(texts)
    merged = Window()
    for name, start in texts:
        merged.replace(name, start, sources[name].text(start) or "{}")

    expected = sum(requests for _, _, requests in reports)
    assert merged.take(M, 0, START + 1000).successor_total.requests == expected


def test_a_slot_that_has_grown_replaces_what_was_known_of_it() -> None:
    other, window = Window(), Window()
    for _ in range(3):
        other.add(slot(tally(10, 1, slow=2)), START)
        window.replace("other", START, other.text(START) or "")

    assert window.take(M, START, START + 10).successor_total == tally(30, 3, slow=6)


def test_what_others_sent_is_not_sent_on() -> None:
    window = Window()
    window.replace("other", START, '{"watchlist":{"successor GET /":"5"}}')

    assert window.text(START) is None
    window.add(slot(tally(7)), START)
    echo = Window()
    echo.replace("us", START, window.text(START) or "")
    assert echo.take(M, START, START + 10).successor_total.requests == 7


def test_a_slot_from_yesterday_and_one_that_was_settled_are_not_taken_again() -> None:
    window = Window()
    text = '{"watchlist":{"successor GET /":"5"}}'
    window.replace("other", START, text)
    window.tidy(START + 1000)
    window.replace("other", START, text)
    window.replace("other", START - 2 * KEPT_SECONDS, text)

    assert window.take(M, 0, START).successor_total.requests == 5


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "5", '{"m":5}', '{"m":{"aside GET /":"5"}}', '{"m":{"legacy GET /":5}}'),
        *('{"m":{"legacy GET /":"x"}}', '{"m":{"legacy GET /":"-5"}}', '{"m":{"legacy GET /":"%s"}}' % ("f" * 400)),
    ],
)
def test_what_is_no_slot_is_refused(text: str) -> None:
    window = Window()
    with pytest.raises(ValueError):
        window.replace("other", START, text)

    assert served(window.take(M, 0, START + 10)) == (0, 0)


def delta(**counts: dict[tuple[object, ...], int]) -> Delta:
    return Delta(counts, {})


def taken(found: Slot) -> Figures:
    window = Window()
    window.add(found, START)
    return window.take(M, START, START + 10)


def test_our_own_answers_and_clients_that_left_do_not_count() -> None:
    requests = {
        (M, ENDPOINT, "successor", 200): 90,
        (M, ENDPOINT, "successor", 401): 4,
        (M, ENDPOINT, "successor", 499): 6,
        (M, ENDPOINT, "", 401): 10,
        (M, ENDPOINT, "", 410): 10,
        (M, ENDPOINT, "", 429): 10,
    }

    assert taken(counted(delta(requests=requests))).successor_total == Tally(94)


def test_failures_are_the_side_s_that_failed() -> None:
    requests = {(M, ENDPOINT, "successor", 502): 10, (M, ENDPOINT, "legacy", 200): 50}
    failures = {(M, ENDPOINT, "successor"): 10}
    found = taken(counted(delta(requests=requests, failures=failures)))

    assert (found.successor_total, found.legacy_total) == (Tally(10, 10), Tally(50))


def test_a_request_that_legacy_answered_for_the_successor_is_a_failure_of_the_successor() -> None:
    requests = {(M, ENDPOINT, "successor", 200): 90, (M, ENDPOINT, "legacy", 200): 110}
    found = taken(
        counted(
            delta(
                requests=requests,
                fallbacks={(M, ENDPOINT): 10},
                failures={(M, ENDPOINT, "successor"): 10},
            )
        )
    )

    assert (found.successor_total, found.legacy_total) == (Tally(100, 10), Tally(100))


def test_a_client_that_leaves_while_legacy_is_asked_takes_nothing_from_legacys_own_requests() -> None:
    requests = {(M, ENDPOINT, "legacy", 200): 15, (M, ENDPOINT, "legacy", 499): 3}
    counts = delta(
        requests=requests,
        fallbacks={(M, ENDPOINT): 8},
        fallbacks_left={(M, ENDPOINT): 3},
        failures={(M, ENDPOINT, "successor"): 8},
    )
    found = taken(counted(counts))

    assert (found.successor_total, found.legacy_total) == (Tally(8, 8), Tally(10))


def test_durations_are_by_side_and_those_of_two_sides_are_nobody_s() -> None:
    observed = Observed(tally(3).buckets, 0.06)
    durations = {(M, ENDPOINT, side): observed for side in ("legacy", "fallback", "")}
    found = taken(counted(Delta({}, {"durations": durations})))

    assert found.legacy_total.buckets == tally(3).buckets
    assert sum(found.successor_total.buckets) == 0


def test_only_copies_that_could_be_compared_are_comparisons() -> None:
    shadows = {(M, "match"): 90, (M, "mismatch"): 10, (M, "error"): 7, (M, "dropped"): 5}

    assert taken(counted(delta(shadows=shadows))).shadow == Tally(100, 10)
    assert counted(delta(shadows=shadows))[M].keys() == {("", SHADOW)}


def test_what_the_data_plane_counts_is_understood() -> None:
    metrics = Metrics()
    metrics.requests[M, ENDPOINT, "successor", 200] += 5
    metrics.durations[M, ENDPOINT, "successor"].observe(0.02)
    metrics.failures[M, ENDPOINT, "successor"] += 1
    metrics.fallbacks[M, ENDPOINT] += 1
    metrics.requests[M, ENDPOINT, "legacy", 200] += 1
    metrics.shadows[M, "match"] += 2
    found = taken(counted(Unreported(metrics).take()))

    assert (found.successor_total.requests, found.successor_total.failures, found.legacy_total.requests) == (6, 1, 0)
    assert sum(found.successor_total.buckets) == 1
    assert found.shadow == Tally(2)


def test_slots_begin_every_ten_seconds() -> None:
    assert [slot_start(START + at) - START for at in (0, 9.99, 10, 25)] == [0, 0, 10, 20]
