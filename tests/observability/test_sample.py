"""Several workers' gauges become one by the gauge's own rule."""

import pickle

from gateway.observability.metrics import Exposition, Gauge, Merge, Metrics
from gateway.observability.sample import Sample, merged, read


def _sample(merge: Merge, *values: tuple[str, float]) -> Sample:
    labelled = [((label,), value) for label, value in values]
    (sample,) = read([Gauge("things", "Things.", ("kind",), lambda: labelled, merge)])
    travelled: Sample = pickle.loads(pickle.dumps(sample))
    return travelled


def _values(*samples: Sample) -> dict[str, float]:
    (gauge,) = merged(samples)
    return {labels[0]: value for labels, value in gauge.read()}


def test_connections_add_up() -> None:
    assert _values(_sample(sum, ("idle", 2), ("busy", 1)), _sample(sum, ("idle", 3))) == {"idle": 5, "busy": 1}


def test_an_endpoint_is_as_healthy_as_the_worst_worker_finds_it() -> None:
    assert _values(_sample(min, ("v1", 1), ("v2", 1)), _sample(min, ("v1", 0), ("v2", 1))) == {"v1": 0, "v2": 1}


def test_an_age_is_the_greatest() -> None:
    assert _values(_sample(max, ("keys", 4.5)), _sample(max, ("keys", 9.0))) == {"keys": 9.0}


def test_the_page_has_each_gauge_once() -> None:
    gauges = merged([_sample(sum, ("idle", 2)), _sample(sum, ("idle", 3))])
    page = Exposition(Metrics(), gauges).text()
    assert page.count(b"# TYPE crossfade_things gauge") == 1
    assert b'crossfade_things{kind="idle"} 5.0' in page
