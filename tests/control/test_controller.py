"""The controller: looks, acts while it leads, and never twice."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config.schema import Rollout
from gateway.control.controller import Controller
from gateway.control.event import Event, Verb
from gateway.control.figures import Tally
from gateway.control.rollout import State, transition
from gateway.control.store.sqlite.driver import SqliteStore
from gateway.control.window import Window
from gateway.core.tasks import cancel_all, spawn
from gateway.observability.metrics import Exposition, Metrics
from tests.support.clock import FakeClock
from tests.support.figures import ENDPOINT, tally
from tests.support.rollout_table import BAKE, ramp
from tests.support.rollouts import Events, ListStore, StoredRollouts

M = "watchlist"
ROLLOUT = Rollout(percent=10, ramp=ramp())
GOOD, BAD = tally(40), tally(40, 6)


@pytest.fixture(params=["list", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Events]:
    if request.param == "list":
        yield ListStore()
        return
    sqlite = SqliteStore(tmp_path / "events.db")
    await sqlite.open()
    yield sqlite
    await sqlite.close()


class Gateway:
    """One gateway's controller, with what it depends on in reach."""

    def __init__(
        self, store: Events, clock: FakeClock, name: str = "a", fence: int | None = 7, rollout: Rollout = ROLLOUT
    ) -> None:
        self.clock = clock
        self.window = Window()
        self.rollouts = StoredRollouts(store, {M: rollout}, clock.now())
        self.fence = fence
        self.controller = Controller(self.rollouts, self.window, clock, name=name, fence=lambda: self.fence)

    async def live(self, seconds: int, successor: Tally = GOOD, legacy: Tally = GOOD) -> None:
        """Let time pass, with so much traffic in every ten seconds."""
        for _ in range(0, seconds, 10):
            slot = {M: {(ENDPOINT, "successor"): successor.packed, (ENDPOINT, "legacy"): legacy.packed}}
            self.window.add(slot, self.clock.now() + 5)
            self.clock.advance(10)
            await self.controller.look()

    @property
    def percent(self) -> float:
        return self.rollouts.states()[M].percent


async def kept(store: Events) -> list[Event]:
    return list(await store.events())


async def test_a_step_that_passes_is_followed_by_the_next_after_its_bake(store: Events) -> None:
    gateway = Gateway(store, FakeClock())
    await gateway.live(int(BAKE) - 10)
    assert gateway.percent == 10
    await gateway.live(10)

    [event] = await kept(store)
    assert (event.verb, event.who, event.fence, event.number) == (Verb.ADVANCE, "controller:a", 7, 1)
    assert (event.before["percent"], event.after["percent"]) == (10, 25)


async def test_two_failing_intervals_in_a_row_step_down(store: Events) -> None:
    gateway = Gateway(store, FakeClock())
    await gateway.live(600)
    for _ in range(20):
        before = gateway.percent
        await gateway.live(10, BAD)
        if gateway.percent != before:
            break

    [event] = await kept(store)
    assert (event.verb, event.after["percent"], event.after["state"]) == (Verb.STEP_DOWN, 5, "holding")
    assert "error_gap" in event.why
    assert gateway.controller.standings[M].failing == 2


async def test_the_hard_limit_acts_on_the_first_look(store: Events) -> None:
    gateway = Gateway(store, FakeClock())
    await gateway.live(600)
    await gateway.live(20, tally(40, 40))

    [event] = await kept(store)
    assert (event.verb, event.after["percent"]) == (Verb.ROLLBACK, 0)


async def test_an_hour_without_traffic_moves_nothing(store: Events) -> None:
    gateway = Gateway(store, FakeClock())
    for _ in range(360):
        gateway.clock.advance(10)
        await gateway.controller.look()

    assert await kept(store) == []
    assert gateway.controller.standings[M].verdict.outcome == "hold"
    assert "200 are missing" in gateway.controller.standings[M].verdict.words


async def test_who_does_not_lead_looks_and_does_nothing(store: Events) -> None:
    gateway = Gateway(store, FakeClock(), fence=None)
    await gateway.live(int(BAKE) + 600)

    assert await kept(store) == []
    assert gateway.controller.standings[M].verdict.outcome == "pass"


async def test_two_that_both_believe_to_lead_take_a_step_once(store: Events) -> None:
    clock = FakeClock()
    old, new = Gateway(store, clock, "old", 1), Gateway(store, clock, "new", 2)
    for _ in range(0, int(BAKE) - 10, 10):
        await new.live(10)
        clock.advance(-10)
        await old.live(10)
    assert await kept(store) == []
    await new.live(10)
    await old.live(10)
    await old.live(100)

    assert [(event.after["percent"], event.fence) for event in await kept(store)] == [(25, 2)]
    assert old.percent == 25


async def test_who_was_overtaken_decides_anew(store: Events) -> None:
    gateway = Gateway(store, FakeClock())
    await gateway.live(int(BAKE) - 10)
    state = gateway.rollouts.states()[M]
    paused = transition(state, Verb.PAUSE, ramp(), gateway.clock.now())
    await store.append(
        Event(1, gateway.clock.now(), M, Verb.PAUSE, "operator:ann", "", state.document(), paused.document())
    )
    await gateway.live(600)

    assert [event.verb for event in await kept(store)] == [Verb.PAUSE]
    assert gateway.controller.standings[M].shown is State.PAUSED


async def test_nothing_is_decided_twice_while_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    store = ListStore()
    gateway = Gateway(store, FakeClock())
    await gateway.live(int(BAKE) - 10)
    store.is_away = True
    with caplog.at_level(logging.WARNING):
        await gateway.live(60)
    assert "the store is away" in caplog.text
    assert gateway.percent == 10
    store.is_away = False
    await gateway.live(10)

    assert [event.after["percent"] for event in store.kept] == [25]


async def test_a_store_that_goes_away_while_catching_up_is_waited_for() -> None:
    store = ListStore()
    gateway = Gateway(store, FakeClock())
    other = Event(1, 0, "auth", Verb.SET, "operator:ann", "", {}, gateway.rollouts.states()[M].document())
    await gateway.live(int(BAKE) - 10)
    store.kept.append(other)
    asked = store.events

    async def away(after: int = 0) -> list[Event]:
        store.is_away = True
        return list(await asked(after))

    store.events = away  # type: ignore[method-assign] - the network breaks between two calls
    await gateway.live(10)

    assert store.kept == [other]


async def test_nobody_is_sent_to_a_legacy_that_is_down(store: Events) -> None:
    gateway = Gateway(store, FakeClock())
    gateway.rollouts.is_fit = False
    await gateway.live(600, tally(40, 40))

    assert await kept(store) == []
    assert gateway.controller.standings[M].verdict.is_hard


async def test_without_a_ramp_figures_show_and_nothing_acts(store: Events) -> None:
    gateway = Gateway(store, FakeClock(), rollout=Rollout(percent=10))
    await gateway.live(600, tally(40, 40))
    found = gateway.controller.standings[M]

    assert await kept(store) == []
    assert (found.shown, found.step, found.verdict.outcome) == ("static", None, "fail")
    assert found.sides["successor"]["requests"] == 2400


async def test_each_migration_is_judged_once_an_interval() -> None:
    gateway = Gateway(ListStore(), FakeClock())
    looks = []
    for _ in range(50):
        await gateway.controller.look()
        looks.append(gateway.controller.standings[M].at)
        gateway.clock.advance(1)

    assert len(set(looks)) == 5


async def test_a_shorter_interval_holds_at_once() -> None:
    gateway = Gateway(
        ListStore(), FakeClock(), rollout=Rollout(percent=10, ramp=ramp().model_copy(update={"interval": 3600.0}))
    )
    await gateway.controller.look()
    first = gateway.controller.standings[M].at
    gateway.rollouts.ramp = lambda _migration: ramp()  # type: ignore[method-assign]
    gateway.clock.advance(11)
    await gateway.controller.look()

    assert gateway.controller.standings[M].at == first + 11


async def test_gauges_show_each_gate_beside_its_threshold_and_the_state() -> None:
    gateway = Gateway(ListStore(), FakeClock())
    await gateway.live(300)
    text = Exposition(Metrics(), gateway.controller.gauges()).text().decode()

    assert 'crossfade_gate_value{gate="error_rate",migration="watchlist"} 0.0' in text
    assert 'crossfade_gate_threshold{gate="error_rate",migration="watchlist"} 2.0' in text
    assert 'crossfade_rollout_state{migration="watchlist",state="baking"} 1.0' in text
    assert 'crossfade_rollout_state{migration="watchlist",state="static"} 0.0' in text


async def test_a_migration_that_is_gone_from_the_file_is_forgotten() -> None:
    gateway = Gateway(ListStore(), FakeClock())
    await gateway.live(10)
    gateway.rollouts.states = dict  # type: ignore[method-assign]
    gateway.clock.advance(10)
    await gateway.controller.look()

    assert gateway.controller.standings == {}


async def test_a_look_that_breaks_is_logged_and_repeated(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(ListStore(), FakeClock())
    looks = asyncio.Event()

    def broken() -> dict[str, object]:
        looks.set()
        raise RuntimeError("no states")

    gateway.rollouts.states = broken  # type: ignore[method-assign,assignment]
    tasks: set[asyncio.Task[Any]] = set()
    spawn(gateway.controller.run(), name="judge", owner=tasks)
    for _ in range(2):
        await asyncio.wait_for(looks.wait(), 10)
        looks.clear()
    await cancel_all(tasks)

    assert "task judge failed, it is tried again" in caplog.text
