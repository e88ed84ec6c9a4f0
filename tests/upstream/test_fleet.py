"""What a reload does to the upstreams: nothing that was not asked for."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.config.schema import Upstream
from gateway.core.clock import SystemClock
from gateway.upstream.cluster import Cluster
from gateway.upstream.fleet import Fleet
from tests.upstream.asker import answered, holding
from tests.upstream.backend import OK, backend, saying, saying_when, until


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    fleet = Fleet(SystemClock())
    yield fleet
    await fleet.close()


def _to(*origins: str, **more: object) -> Upstream:
    return Upstream.model_validate({"endpoints": list(origins), **more})


def _running(fleet: Fleet, name: str) -> Cluster:
    found = fleet.find(name)
    assert found is not None
    return found


async def test_an_unchanged_upstream_keeps_its_connections_and_its_health(fleet: Fleet) -> None:
    async with backend(saying(OK)) as v1:
        fleet.apply({"v1": _to(v1.origin)})
        found = _running(fleet, "v1")
        await answered(found)
        found.pools[0].replica.note_error()
        fleet.apply({"v1": _to(v1.origin), "v2": _to(v1.origin)})
        assert fleet.find("v1") is found
        assert (found.idle, found.pools[0].replica.errors) == (1, 1)
        assert [cluster.name for cluster in fleet] == ["v1", "v2"]


async def test_a_changed_upstream_finishes_what_it_has_and_takes_nothing_new(fleet: Fleet) -> None:
    answer = asyncio.Event()
    async with backend(saying_when(answer, OK)) as v1:
        fleet.apply({"v1": _to(v1.origin)})
        old = _running(fleet, "v1")
        busy = await holding(old)
        busy.ask()
        fleet.apply({"v1": _to(v1.origin, max_connections=7)})
        assert _running(fleet, "v1") is not old
        assert repr(fleet).endswith("1 retiring>")
        answer.set()
        await busy.finished()
        assert busy.body == b"hi"
        await until(lambda: repr(fleet).endswith("0 retiring>") and not v1.links)


async def test_a_removed_upstream_is_gone(fleet: Fleet) -> None:
    async with backend(saying(OK)) as v1:
        fleet.apply({"v1": _to(v1.origin)})
        await answered(_running(fleet, "v1"))
        fleet.apply({})
        assert fleet.find("v1") is None
        await until(lambda: not v1.links)


async def test_closing_cuts_what_runs_and_what_retires(fleet: Fleet) -> None:
    async with backend(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as v1:
        fleet.apply({"v1": _to(v1.origin)})
        old = await holding(_running(fleet, "v1"))
        old.ask()
        fleet.apply({"v1": _to(v1.origin, max_connections=7)})
        new = await holding(_running(fleet, "v1"))
        new.ask()
        await until(lambda: old.head is not None and new.head is not None)
        await fleet.close()
        await old.finished()
        await new.finished()
        await until(lambda: not v1.links)


async def test_health_checks_begin_and_end_with_their_upstream(fleet: Fleet) -> None:
    async with backend(saying(OK)) as v1:
        checked = _to(v1.origin, health={"path": "/health", "interval": "10ms", "timeout": "10ms"})
        fleet.apply({"v1": checked})
        await until(lambda: v1.opened >= 3)
        await fleet.close()
        opened = v1.opened
        await asyncio.sleep(0.05)
        assert v1.opened == opened


async def test_an_upstream_that_rests_is_neither_probed_nor_connected_to_and_wakes_when_it_is_asked(
    fleet: Fleet,
) -> None:
    probed = {"path": "/health", "interval": "10ms", "timeout": "10ms"}
    async with backend(saying(OK)) as v1:
        fleet.apply({"v1": _to(v1.origin, health=probed)}, frozenset({"v1"}))
        assert (list(fleet), fleet.resting) == ([], {"v1"})
        await asyncio.sleep(0.1)
        assert v1.opened == 0
        awake = _running(fleet, "v1")
        assert (fleet.find("v1"), fleet.resting) == (awake, frozenset())
        await answered(awake)


async def test_an_upstream_that_goes_to_rest_finishes_what_it_has(fleet: Fleet) -> None:
    answer = asyncio.Event()
    async with backend(saying_when(answer, OK)) as v1:
        fleet.apply({"v1": _to(v1.origin)})
        busy = await holding(_running(fleet, "v1"))
        busy.ask()
        fleet.apply({"v1": _to(v1.origin)}, frozenset({"v1"}))
        assert repr(fleet) == "<Fleet [], 1 retiring>"
        answer.set()
        await busy.finished()
        assert busy.body == b"hi"
        await until(lambda: repr(fleet).endswith("0 retiring>") and not v1.links)
