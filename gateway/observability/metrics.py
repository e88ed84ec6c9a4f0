"""Counters as plain integers, turned into Prometheus text only when somebody scrapes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.observability.histogram import Histogram

type Labels = tuple[str, ...]
type Reading = Iterable[tuple[Labels, float]]
type Merge = Callable[[Iterable[float]], float]


class Metrics:
    """Owns what the data plane counts. Labels never hold a raw path, a consumer or a token.

    `requests` is keyed by (migration, endpoint, side, code), `durations` by (migration, endpoint, side), where the side
    `fallback` stands for requests that both sides were asked: their time is neither's. `upstream_durations` is keyed by
    (upstream): seconds until the head of its answer, `deprecated` by (migration, phase).

    `failures` is keyed by (migration, endpoint, side): backends' 5xx, time-outs, and answers that broke, made no sense
    or never came; never our own refusals and limits, nor clients that left. A request that legacy answered in the
    successor's place is in `requests` with side legacy and in `fallbacks`, keyed by (migration, endpoint); its failure
    is the successor's, whatever legacy's answer. So the successor was asked for the `requests` of its side and the
    `fallbacks`; legacy's own calls are the `requests` of its side without the `fallbacks`. Those of them whose client
    left before legacy answered are in `fallbacks_left`, too. `shadows` is keyed by
    (migration, result): match, mismatch, error or dropped; `shadow_fields` by (migration, path), never shown by these
    labels, because nobody bounds their number over time.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, str, int]] = Counter()
        self.failures: Counter[Labels] = Counter()
        self.fallbacks: Counter[Labels] = Counter()
        self.fallbacks_left: Counter[Labels] = Counter()
        self.shadows: Counter[Labels] = Counter()
        self.shadow_fields: Counter[Labels] = Counter()
        self.durations: defaultdict[Labels, Histogram] = defaultdict(Histogram)
        self.upstream_durations: defaultdict[Labels, Histogram] = defaultdict(Histogram)
        self.deprecated: Counter[Labels] = Counter()
        self.auth_failures: Counter[Labels] = Counter()
        self.quota_exceeded: Counter[Labels] = Counter()
        self.quota_shadowed: Counter[Labels] = Counter()
        self.quota_checks: Counter[Labels] = Counter()
        self.quota_fallbacks: Counter[Labels] = Counter({("lost",): 0, ("error",): 0, ("timeout",): 0})
        self.ws_messages: Counter[Labels] = Counter({("in",): 0, ("out",): 0})
        self.ws_dropped: Counter[Labels] = Counter()
        self.hub_served: Counter[Labels] = Counter()
        self.reloads: Counter[Labels] = Counter({("applied",): 0, ("refused",): 0})

    def __repr__(self) -> str:
        return f"<Metrics {self.requests.total()} requests>"

    def families(self) -> Iterator[Metric]:
        """Yield every counted metric."""
        requests = {(*labels, str(code)): count for (*labels, code), count in self.requests.items()}
        yield _counter("requests", "Requests answered.", ("migration", "endpoint", "side", "code"), requests)
        yield _histogram(
            "request_duration_seconds",
            "From the head of the request to the end of the answer.",
            ("migration", "side"),
            _over_endpoints(self.durations),
        )
        yield _histogram(
            "upstream_duration_seconds",
            "From sending a request to the head of the backend's answer.",
            ("upstream",),
            self.upstream_durations,
        )
        yield _counter(
            "deprecated_requests", "Requests to deprecated endpoints.", ("migration", "phase"), self.deprecated
        )
        fallbacks: Counter[Labels] = Counter()
        for (migration, _), count in self.fallbacks.items():
            fallbacks[(migration,)] += count
        yield _counter(
            "fallbacks", "Requests that legacy answered in the successor's place.", ("migration",), fallbacks
        )
        yield _counter("shadow", "Requests copied to the other side.", ("migration", "result"), self.shadows)
        yield _counter(
            "failures",
            "Requests that a backend failed, also where another one then answered.",
            ("migration", "endpoint", "side"),
            self.failures,
        )
        yield _counter("auth_failures", "Requests refused for their token.", ("reason",), self.auth_failures)
        yield _counter("quota_exceeded", "Requests refused by a quota.", ("quota",), self.quota_exceeded)
        yield _counter("quota_shadowed", "Requests that a shadow quota would refuse.", ("quota",), self.quota_shadowed)
        yield _counter("quota_checks", "Checks of shared quotas, by who answered.", ("by",), self.quota_checks)
        yield _counter(
            "quota_fallbacks", "Times that Redis failed and quotas went on by share.", ("reason",), self.quota_fallbacks
        )
        yield _counter("ws_messages", "Messages of clients, and to them.", ("direction",), self.ws_messages)
        yield _counter(
            "ws_dropped", "Messages that were skipped, and clients that were let go.", ("reason",), self.ws_dropped
        )
        yield _counter("hub_served", "Requests answered from the hub's messages.", ("endpoint",), self.hub_served)
        yield _counter("config_reloads", "Reloads of the configuration.", ("result",), self.reloads)


@dataclass(frozen=True, slots=True)
class Gauge:
    """Something that is read, not counted: its name without the prefix, and how to read it.

    `merge` makes one value of several workers': `sum`, `min` or `max`, which pickle takes by their names.
    """

    name: str
    text: str
    labels: Labels
    read: Callable[[], Reading]
    merge: Merge = max

    def family(self) -> Metric:
        """Read it now."""
        family = GaugeMetricFamily(f"crossfade_{self.name}", self.text, labels=self.labels)
        for labels, value in self.read():
            family.add_metric(labels, value)
        return family


class Exposition(Collector):
    """Turns metrics and gauges into Prometheus text, with a registry of its own; `gauges` may be others each time."""

    def __init__(self, metrics: Metrics, gauges: Iterable[Gauge] = ()) -> None:
        self._metrics = metrics
        self._gauges = gauges
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, as prometheus-client asks for it."""
        yield from self._metrics.families()
        for gauge in self._gauges:
            yield gauge.family()

    def describe(self) -> Iterator[Metric]:
        """Describe nothing in advance: reading gauges before the start would be too early."""
        return iter(())

    def text(self) -> bytes:
        """Return the page that Prometheus scrapes."""
        return generate_latest(self._registry)


def _over_endpoints(series: dict[Labels, Histogram]) -> dict[Labels, Histogram]:
    """Add up the series that differ in their endpoint only."""
    found: defaultdict[Labels, Histogram] = defaultdict(Histogram)
    for (migration, _, side), histogram in series.items():
        found[migration, side].add(histogram.counts, histogram.total_seconds)
    return found


def _counter(name: str, text: str, labels: Labels, counts: Counter[Labels] | dict[tuple[str, ...], int]) -> Metric:
    family = CounterMetricFamily(f"crossfade_{name}", text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, labels: Labels, series: dict[Labels, Histogram]) -> Metric:
    family = HistogramMetricFamily(f"crossfade_{name}", text, labels=labels)
    for values, histogram in series.items():
        family.add_metric(values, buckets=histogram.cumulated(), sum_value=histogram.total_seconds)
    return family
