"""A ramp on a clock that is moved by hand: invented traffic, the real window, judge, state machine and controller.

Traffic comes as it does to a gateway: requests at random (Poisson), three endpoints that differ in speed and errors,
durations with a long tail (log-normal). And it is noisy: a load that wanders by a third in minutes makes both sides
slower and worse together, each side has hiccups of its own (ten seconds with three percent more errors at three times
the latency, every twenty minutes or so), and the successor's callers call another mix of endpoints than legacy's.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.config.schema import Ramp, Rollout
from gateway.control.controller import Controller
from gateway.control.event import Event, Verb
from gateway.control.figures import BUCKETS, LEGACY, SUCCESSOR, Tally
from gateway.control.rollout import State
from gateway.control.window import Window
from gateway.observability.histogram import BOUNDS
from tests.support.clock import FakeClock
from tests.support.rollouts import ListStore, StoredRollouts

M: Final = "watchlist"
BACK: Final = frozenset({Verb.STEP_DOWN, Verb.ROLLBACK, Verb.HOLD})
HICCUPS_A_SECOND: Final = 1 / 1200
HICCUP_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Its share of each side's calls, the median of its durations in seconds, and its errors beside the average."""

    name: str
    legacy_share: float
    successor_share: float
    median: float
    errors: float


ENDPOINTS: Final = (
    Endpoint("GET /api/favorites", 0.60, 0.55, 0.030, 0.7),
    Endpoint("POST /api/favorites", 0.30, 0.33, 0.080, 1.2),
    Endpoint("GET /api/favorites/search", 0.10, 0.12, 0.200, 2.2),
)


@dataclass(frozen=True, slots=True)
class Side:
    """How one backend does: the share of requests that fail, and how much slower than the model it is."""

    errors: float = 0.005
    factor: float = 1.0
    added_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One ramp. The successor is `good` until `fault_at` seconds have passed, `bad` from then on."""

    name: str
    rate: float = 20.0
    percent: float = 0.0
    legacy: Side = Side()
    good: Side = Side(factor=1.05)
    bad: Side = Side(factor=1.05)
    fault_at: float = math.inf
    seconds: float = 12 * 3600.0
    chunk: float = 10.0
    ramp: Ramp = field(default_factory=lambda: Ramp(steps=(1, 5, 10, 25, 50, 100)))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a ramp: events with their seconds since the start, and the percent and state at the end."""

    events: Sequence[tuple[float, Event]]
    percent: float
    state: State

    def first_back(self) -> tuple[float, Event] | None:
        """Return when the controller first stepped back or stopped, and that event."""
        return next((entry for entry in self.events if entry[1].verb in BACK), None)

    def reached(self, percent: float) -> float | None:
        """Return when the ramp first came to a percent."""
        return next((at for at, event in self.events if event.after["percent"] >= percent), None)


async def simulate(scenario: Scenario, seed: int) -> Result:
    """Run one ramp until it is done, has stepped back, or its time is over."""
    clock = FakeClock(1_800_000_003.0)
    began, store, window = clock.now(), ListStore(), Window()
    rollouts = StoredRollouts(store, {M: Rollout(percent=scenario.percent, ramp=scenario.ramp)}, began)
    controller = Controller(rollouts, window, clock, name="simulated", fence=lambda: 1)
    traffic = _Traffic(scenario, random.Random(seed))
    while clock.now() - began < scenario.seconds:
        passed = clock.now() - began
        slot = {M: traffic.slot(rollouts.states()[M].percent / 100, passed)}
        window.add(slot, clock.now() + scenario.chunk / 2)
        clock.advance(scenario.chunk)
        await controller.look()
        if store.kept and (store.kept[-1].verb in BACK or rollouts.states()[M].state is State.PROMOTED):
            break
    state = rollouts.states()[M]
    return Result([(event.at - began, event) for event in store.kept], state.percent, state.state)


class _Traffic:
    def __init__(self, scenario: Scenario, chance: random.Random) -> None:
        self._scenario = scenario
        self._chance = chance
        self._load = 0.0
        self._hiccup_until = {LEGACY: -1.0, SUCCESSOR: -1.0}

    def slot(self, share: float, passed: float) -> dict[tuple[str, str], int]:
        """Return what both sides do in one chunk of time."""
        scenario = self._scenario
        keeps = 0.95 ** (scenario.chunk / 10)
        self._load = keeps * self._load + math.sqrt(1 - keeps**2) * self._chance.gauss(0, 0.3)
        successor = scenario.bad if passed >= scenario.fault_at else scenario.good
        return {
            **self._side(LEGACY, scenario.legacy, 1 - share, passed),
            **self._side(SUCCESSOR, successor, share, passed),
        }

    def _side(self, name: str, side: Side, share: float, passed: float) -> dict[tuple[str, str], int]:
        load, errors, factor = math.exp(self._load), side.errors, side.factor
        if self._chance.random() < HICCUPS_A_SECOND * self._scenario.chunk:
            self._hiccup_until[name] = passed + HICCUP_SECONDS
        if passed < self._hiccup_until[name]:
            errors, factor = errors + 0.03, factor * 3
        found = {}
        for endpoint in ENDPOINTS:
            part = endpoint.legacy_share if name == LEGACY else endpoint.successor_share
            requests = _poisson(self._chance, self._scenario.rate * share * part * self._scenario.chunk)
            failures = self._chance.binomialvariate(requests, min(errors * _weight(endpoint, side, load), 1.0))
            median = endpoint.median * factor * load
            buckets = _buckets(self._chance, requests, median, side.added_seconds)
            found[endpoint.name, name] = Tally(requests, failures, buckets).packed
        return found


def _weight(endpoint: Endpoint, side: Side, load: float) -> float:
    """A few errors come with the load and differ by endpoint; a fault does not care."""
    return endpoint.errors * load if side.errors < 0.02 else 1.0


def _poisson(chance: random.Random, mean: float) -> int:
    return chance.binomialvariate(100_000, mean / 100_000)


def _buckets(chance: random.Random, requests: int, median: float, added: float) -> tuple[int, ...]:
    """Spread requests over the histogram, one bucket after the other, each by its share of what is left."""
    buckets, left, below = [0] * BUCKETS, requests, 0.0
    for at, bound in enumerate(BOUNDS):
        if not left:
            break
        share = _share(bound - added, median)
        if share > below:
            buckets[at] = chance.binomialvariate(left, min((share - below) / (1 - below), 1.0)) if below < 1 else left
            left -= buckets[at]
            below = share
    buckets[-1] += left
    return tuple(buckets)


def _share(seconds: float, median: float, sigma: float = 0.5) -> float:
    return 0.5 * math.erfc(-math.log(seconds / median) / sigma / math.sqrt(2)) if seconds > 0 else 0.0
