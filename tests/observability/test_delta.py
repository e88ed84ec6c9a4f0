"""Counts travel as what was gained; adding it all up gives what was counted, whoever counted and whoever died."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from gateway.observability.delta import Unreported, add
from gateway.observability.metrics import Exposition, Metrics

type Event = tuple[str, int, float]

EVENTS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([200, 404, 503]), st.floats(0, 60)), max_size=20)


def _count(metrics: Metrics, event: Event) -> None:
    owner, code, seconds = event
    metrics.requests[owner, "GET /", "legacy", code] += 1
    metrics.durations[owner, "GET /", "legacy"].observe(seconds)
    metrics.quota_exceeded[(owner,)] += code == 503


@given(st.lists(st.tuples(st.integers(0, 1), EVENTS), max_size=8))
def test_totals_over_workers_and_reports_are_what_was_counted(turns: list[tuple[int, list[Event]]]) -> None:
    workers = [Metrics(), Metrics()]
    unreported = [Unreported(metrics) for metrics in workers]
    total, expected = Metrics(), Metrics()
    for number, events in turns:
        for event in events:
            _count(workers[number], event)
            _count(expected, event)
        add(pickle.loads(pickle.dumps(unreported[number].take())), total)
    assert total.requests == expected.requests
    assert {key: found.counts for key, found in total.durations.items()} == {
        key: found.counts for key, found in expected.durations.items()
    }
    for key, found in total.durations.items():
        assert abs(found.total_seconds - expected.durations[key].total_seconds) < 1e-6


def test_what_was_reported_is_not_reported_again_and_zeros_never_are() -> None:
    metrics = Metrics()
    unreported = Unreported(metrics)
    _count(metrics, ("a", 200, 0.01))
    first, second = unreported.take(), unreported.take()
    assert first.counts["requests"] == {("a", "GET /", "legacy", 200): 1}
    assert first.counts["quota_exceeded"] == {}
    assert not any(second.counts.values())
    assert not any(second.durations.values())


def test_live_counters_are_only_read() -> None:
    metrics = Metrics()
    histogram = metrics.durations["a", "GET /", "legacy"]
    requests = metrics.requests
    _count(metrics, ("a", 200, 0.01))
    before = Exposition(metrics).text()
    Unreported(metrics).take()
    assert Exposition(metrics).text() == before
    assert metrics.requests is requests
    assert metrics.durations["a", "GET /", "legacy"] is histogram
