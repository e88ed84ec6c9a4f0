"""The connections of one upstream: reuse, bounds and order, and what happens when there is none."""

import asyncio
from random import Random
from time import monotonic

import pytest

from gateway.upstream.cluster import QUEUE_LENGTH, Cluster
from gateway.upstream.fault import UpstreamFault
from tests.upstream.asker import Asker, answered, holding, ready, release, waiting
from tests.upstream.backend import OK, Link, backend, cluster, saying, silent, until

NEVER_FOR = {"consecutive_errors": 1000}


# ---------------------------------------------------------------------- reuse


async def test_nothing_idle_is_nothing_to_take() -> None:
    async with cluster("http://127.0.0.1:1") as found:
        assert found.take() is None
        assert found.requests == 1


async def test_the_connection_used_last_is_used_first() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        one, two = await holding(found), await holding(found)
        release(one)
        release(two)
        assert found.take() is two.held
        assert found.take() is one.held
        assert found.take() is None


async def test_a_connection_that_is_closing_is_not_taken() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        one, two = await holding(found), await holding(found)
        release(one)
        release(two)
        two.held.abort()
        assert found.take() is one.held


async def test_of_several_endpoints_too_no_connection_that_is_closing_is_taken() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, v1.origin) as found:
        askers = await waiting(found, 2)
        await ready(*askers)
        for asker in askers:
            release(asker)
            asker.held.abort()
        assert [found.take(), found.take()] == [None, None]


async def test_nobody_is_called_back_from_inside_wait(refusing: str) -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=1) as one, cluster(refusing) as other:
        askers = [*await waiting(one, QUEUE_LENGTH + 2), *await waiting(other, 1)]
        assert not [asker for asker in askers if asker.ready.is_set()]
        await ready(askers[0], askers[-2], askers[-1])


async def test_the_counts_add_up() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=2) as found:
        one, two = await holding(found), await holding(found)
        await waiting(found, 1)
        assert (found.active, found.idle, found.queued, found.size) == (2, 0, 1, 2)
        assert repr(found).endswith(": 2 active, 0 idle, 0 dialing>], 1 queued>")
        release(one)
        release(two)
        assert (found.active, found.idle, found.queued, found.size) == (1, 1, 0, 2)


# ---------------------------------------------------------------------- bounds


async def test_however_many_ask_at_once_no_more_connections_are_opened_than_allowed() -> None:
    async with backend(silent) as v1, cluster(v1.origin, max_connections=3) as found:
        askers = await waiting(found, 6)
        assert found.size == 3
        await ready(*askers[:3])
        await until(lambda: v1.opened == 3)
        assert (found.active, found.queued) == (3, 3)


async def test_who_waits_is_served_in_order_as_connections_come_back() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=1) as found:
        first = await holding(found)
        (second,) = await waiting(found, 1)
        release(first)
        assert second.connection is first.connection
        (third,) = await waiting(found, 1)
        second.ask()
        await second.finished()
        assert third.connection is first.connection
        assert v1.opened == 1


async def test_who_waits_is_served_when_a_connection_is_lost() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=1) as found:
        first = await holding(found)
        (second,) = await waiting(found, 1)
        first.held.abort()
        await ready(second)
        assert second.held is not first.held
        assert v1.opened == 2


async def test_more_waiters_than_the_queue_holds_are_turned_away() -> None:
    async with backend(silent) as v1, cluster(v1.origin, max_connections=2) as found:
        askers = await waiting(found, QUEUE_LENGTH + 3)
        await ready(askers[-1])
        assert askers[-1].fault is UpstreamFault.OVERLOADED
        assert found.queued + found.active == QUEUE_LENGTH + 2


async def test_who_has_waited_for_too_long_is_turned_away() -> None:
    async with backend(silent) as v1, cluster(v1.origin, max_connections=1, connect_timeout="1s") as found:
        await holding(found)
        (asker,) = await waiting(found, 1)
        found.sweep(monotonic() + 0.9)
        assert not asker.ready.is_set()
        found.sweep(monotonic() + 1.1)
        assert asker.fault is UpstreamFault.OVERLOADED
        assert found.queued == 0


async def test_the_timer_of_a_started_cluster_does_the_sweeping() -> None:
    async with backend(silent) as v1, cluster(v1.origin, response_timeout="20ms") as found:
        found.start()
        asker = await answered(found)
        assert asker.fault is UpstreamFault.TIMEOUT


async def test_who_leaves_the_queue_is_not_called_back() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=2) as found:
        first, _ = await holding(found), await holding(found)
        gone, stays = await waiting(found, 2)
        found.leave(gone)
        release(first)
        assert stays.connection is first.connection
        assert not gone.ready.is_set()


async def test_a_connection_for_somebody_who_has_left_is_the_next_ones() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        (gone,) = await waiting(found, 1)
        found.leave(gone)
        await until(lambda: found.idle == 1)
        assert not gone.ready.is_set()
        assert (await answered(found)).body == b"hi"
        assert v1.opened == 1


# ---------------------------------------------------------------------- fresh connections


async def test_a_retry_never_gets_a_used_connection() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        await answered(found)
        asker = Asker()
        await asker.find(found, fresh=True)
        assert asker.held.is_fresh
        assert found.idle == 1


async def test_a_retry_at_the_limit_takes_the_place_of_an_idle_connection() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=2) as found:
        one, two = await holding(found), await holding(found)
        release(one)
        release(two)
        asker = Asker()
        await asker.find(found, fresh=True)
        assert asker.held not in {one.held, two.held}
        assert (found.size, found.idle) == (2, 1)
        assert found.take() is two.held


async def test_a_retry_in_the_queue_gets_the_place_and_not_the_connection() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=1) as found:
        first = await holding(found)
        (asker,) = await waiting(found, 1, fresh=True)
        release(first)
        await ready(asker)
        assert asker.held.is_fresh
        assert asker.held is not first.held


# ---------------------------------------------------------------------- failing to connect


async def test_an_endpoint_where_nobody_listens_is_unreachable(refusing: str) -> None:
    async with cluster(refusing) as found:
        (asker,) = await waiting(found, 1)
        await ready(asker)
        assert asker.fault is UpstreamFault.UNREACHABLE


@pytest.mark.parametrize("endpoint", ["http://no-such-host.invalid", "unix:/nowhere/at/all.sock"])
async def test_an_endpoint_that_does_not_exist_is_unreachable(endpoint: str) -> None:
    async with cluster(endpoint, connect_timeout="5s") as found:
        (asker,) = await waiting(found, 1)
        await ready(asker)
        assert asker.fault is UpstreamFault.UNREACHABLE


async def test_an_endpoint_that_does_not_finish_connecting_is_timed_out() -> None:
    async with backend(silent) as v1:
        mute = v1.origin.replace("http:", "https:")
        async with cluster(mute, connect_timeout="50ms") as found:
            (asker,) = await waiting(found, 1)
            await ready(asker)
            assert asker.fault is UpstreamFault.TIMEOUT
            await until(lambda: not v1.links)


async def test_when_connecting_fails_everybody_who_waits_is_told(refusing: str) -> None:
    async with cluster(refusing, max_connections=2, ejection=NEVER_FOR) as found:
        askers = await waiting(found, 4)
        await ready(*askers)
        assert {asker.fault for asker in askers} == {UpstreamFault.UNREACHABLE}


async def test_a_backend_that_hangs_up_on_everybody_leaves_no_place_taken() -> None:
    async def rude(link: Link) -> None:
        link.writer.transport.abort()

    async with backend(rude) as v1, cluster(v1.origin, max_connections=4, ejection=NEVER_FOR) as found:
        for _ in range(5):
            askers = await waiting(found, 8)
            await ready(*askers)
        await until(lambda: not found.size)


async def test_a_backend_that_speaks_first_is_not_trusted() -> None:
    async def eager(link: Link) -> None:
        await link.send(OK)
        await link.gone()

    async with backend(eager) as v1, cluster(v1.origin) as found:
        (gone,) = await waiting(found, 1)
        found.leave(gone)
        await until(lambda: v1.opened == 1 and not found.size)
        assert found.take() is None


async def test_out_of_descriptors_is_unreachable_at_once_and_no_endpoints_fault(starved: None) -> None:
    async with cluster("http://127.0.0.1:1", "http://127.0.0.1:2", ejection={"consecutive_errors": 1}) as found:
        askers = await waiting(found, 20)
        await ready(*askers)
        assert {asker.fault for asker in askers} == {UpstreamFault.UNREACHABLE}
        assert [pool.replica.is_ejected for pool in found.pools] == [False, False]
        assert [pool.replica.errors for pool in found.pools] == [0, 0]


async def test_an_upstream_that_hangs_does_not_starve_another() -> None:
    async with (
        backend(silent) as hung,
        backend(saying(OK)) as well,
        cluster(hung.origin, max_connections=20) as one,
        cluster(well.origin, max_connections=1) as other,
    ):
        stuck = await waiting(one, 40)
        await ready(*stuck[:20])
        for asker in stuck[:20]:
            asker.ask()
        for _ in range(20):
            assert (await answered(other)).body == b"hi"


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happens_no_place_is_lost(seed: int) -> None:
    dice = Random(seed)

    async def moody(link: Link) -> None:
        while dice.random() < 0.9:
            await link.head()
            answer = dice.choice([OK, OK, OK[:-1], b"", b"nonsense\r\n\r\n", OK + b"x"])
            await link.send(answer)
            if answer is not OK:
                return

    async with backend(moody) as v1, cluster(v1.origin, max_connections=4, ejection=NEVER_FOR) as found:
        askers: list[Asker] = []
        for _ in range(300):
            asker = Asker()
            askers.append(asker)
            connection = found.take()
            if connection is None:
                found.wait(asker, fresh=dice.random() < 0.2)
            else:
                asker.on_connection(connection)
            if dice.random() < 0.7:
                await asyncio.sleep(0)
            _go_on(found, dice, askers)
            assert found.size <= 4
        async with asyncio.timeout(5):
            while askers:
                await asyncio.sleep(0)
                _go_on(found, dice, askers)
        await until(lambda: found.queued == 0 and found.active == 0)
        assert found.size == found.idle
        assert len(v1.links) >= found.idle


def _go_on(found: Cluster, dice: Random, askers: list[Asker]) -> None:
    """Let each asker take its next step, or leave."""
    for asker in list(askers):
        if asker.done.is_set() or asker.refusal is not None:
            askers.remove(asker)
        elif dice.random() < 0.05:
            askers.remove(asker)
            if asker.connection is None:
                found.leave(asker)
            elif asker.has_asked:
                asker.connection.abandon(asker)
            else:
                asker.connection.close()
        elif asker.connection is not None and asker.ready.is_set() and not asker.has_asked:
            if asker.connection.is_open:
                asker.ask()
            else:
                askers.remove(asker)
