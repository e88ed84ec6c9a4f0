"""Differences are all counted, under a bounded number of names, and a few of them are kept whole."""

from gateway.observability.metrics import Metrics
from gateway.observability.shadow import PATHS, SAMPLES, Difference, ShadowLog, ShadowSample
from gateway.observability.use import OTHERS


def _sample(*paths: str, migration: str = "watchlist") -> ShadowSample:
    return ShadowSample(1.0, migration, "GET /", tuple(Difference(path, "int", "absent") for path in paths))


def test_a_field_counts_once_for_each_answer_that_it_differs_in() -> None:
    metrics = Metrics()
    log = ShadowLog(metrics)
    log.note(_sample("a", "b"))
    log.note(_sample("a"))
    log.note(_sample("a", migration="news"))
    assert metrics.shadow_fields == {("watchlist", "a"): 2, ("watchlist", "b"): 1, ("news", "a"): 1}


def test_further_fields_are_counted_together() -> None:
    metrics = Metrics()
    log = ShadowLog(metrics)
    for number in range(PATHS + 7):
        log.note(_sample(f"key{number}"))
    log.note(_sample("new", "newer", "key0"))
    assert len(metrics.shadow_fields) == PATHS + 1
    assert metrics.shadow_fields["watchlist", OTHERS] == 8
    assert metrics.shadow_fields["watchlist", "key0"] == 2


def test_so_many_samples_are_held_between_two_reports() -> None:
    metrics = Metrics()
    log = ShadowLog(metrics)
    for _ in range(SAMPLES + 5):
        log.note(_sample("a"))
    assert len(log.take()) == SAMPLES
    assert log.take() == ()
    assert metrics.shadow_fields["watchlist", "a"] == SAMPLES + 5
