"""Several endpoints of one upstream: balance, ejection, and who is to blame for what."""

from gateway.upstream.cluster import Cluster
from gateway.upstream.fault import UpstreamFault
from tests.support.clock import FakeClock
from tests.upstream.asker import Asker, answered, holding, ready, release, waiting
from tests.upstream.backend import OK, Link, backend, cluster, saying, silent


def _judge(found: Cluster, checks: list[bool]) -> None:
    """Make endpoints healthy or unhealthy."""
    for pool, passed in zip(found.pools, checks, strict=True):
        pool.replica.note_check(passed, healthy=1, unhealthy=1)


async def test_a_dead_endpoint_costs_nobody_an_answer(refusing: str) -> None:
    async with backend(saying(OK)) as v1, cluster(refusing, v1.origin) as found:
        askers = await waiting(found, 30)
        await ready(*askers)
        assert {asker.fault for asker in askers} == {None}
        assert found.pools[0].replica.is_ejected


async def test_of_two_endpoints_the_less_loaded_one_is_asked() -> None:
    async with backend(silent) as one, backend(silent) as two, cluster(one.origin, two.origin) as found:
        askers = await waiting(found, 10)
        await ready(*askers)
        assert [pool.busy for pool in found.pools] == [5, 5]


async def test_idle_endpoints_are_all_asked() -> None:
    async with (
        backend(saying(OK)) as a,
        backend(saying(OK)) as b,
        backend(saying(OK)) as c,
        cluster(a.origin, b.origin, c.origin) as found,
    ):
        asked = {(await answered(found)).held.home for _ in range(60)}
        assert asked == set(found.pools)


async def test_with_every_place_taken_an_idle_connection_elsewhere_is_better_than_none() -> None:
    async with (
        backend(saying(OK)) as one,
        backend(saying(OK)) as two,
        cluster(one.origin, two.origin, max_connections=2) as found,
    ):
        askers = await waiting(found, 2)
        await ready(*askers)
        for asker in askers:
            release(asker)
        assert {found.take(), found.take()} == {asker.held for asker in askers}


async def test_with_every_place_idle_at_an_unfit_endpoint_a_fit_one_gets_a_place() -> None:
    async with (
        backend(saying(OK)) as one,
        backend(saying(OK)) as two,
        cluster(one.origin, two.origin, max_connections=2) as found,
    ):
        _judge(found, [True, False])
        askers = await waiting(found, 2)
        await ready(*askers)
        for asker in askers:
            release(asker)
        _judge(found, [False, True])
        asker = Asker()
        await asker.find(found)
        assert asker.held.home is found.pools[1]
        assert found.size == 2


# ---------------------------------------------------------------------- ejection and retries


async def test_an_endpoint_with_errors_in_a_row_is_left_alone_for_a_while() -> None:
    clock = FakeClock()
    ejection = {"consecutive_errors": 3, "for": "10s"}
    async with (
        backend(saying(b"", closes=True)) as bad,
        backend(saying(OK)) as good,
        cluster(bad.origin, good.origin, clock=clock, ejection=ejection) as found,
    ):
        while not found.pools[0].replica.is_ejected:
            asker = await answered(found)
            if asker.fault:
                found.note_failure(asker.held)
            else:
                asker.held.home.replica.note_success()
        assert bad.opened == 3
        for _ in range(20):
            assert (await answered(found)).held.home is found.pools[1]
        clock.advance(10)
        found.sweep(0)
        assert {(await answered(found)).held.home for _ in range(40)} == set(found.pools)


async def test_an_answer_between_errors_starts_the_count_again() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, ejection={"consecutive_errors": 2}) as found:
        asker = await answered(found)
        for _ in range(5):
            found.note_failure(asker.held)
            asker.held.home.replica.note_success()
        assert not found.pools[0].replica.is_ejected


async def test_a_kept_connection_that_was_given_up_is_nobodys_error() -> None:
    async def once(link: Link) -> None:
        await link.head()
        await link.send(OK)
        await link.head()

    async with backend(once) as v1, cluster(v1.origin, ejection={"consecutive_errors": 1}) as found:
        await answered(found)
        asker = await answered(found)
        assert asker.fault is UpstreamFault.LOST
        found.note_failure(asker.held)
        assert not found.pools[0].replica.is_ejected


async def test_when_no_endpoint_is_fit_all_are_asked() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, v1.origin, ejection={"consecutive_errors": 1}) as found:
        for pool in found.pools:
            pool.replica.note_error()
        assert [pool.replica.is_healthy for pool in found.pools] == [False, False]
        assert (await answered(found)).status == 200


async def test_retries_are_a_share_of_the_requests() -> None:
    async with cluster("http://127.0.0.1:1", retries={"budget": 10}) as found:
        while found.may_retry():
            pass
        for _ in range(100):
            found.take()
        assert [found.may_retry() for _ in range(11)].count(True) == 10


async def test_requests_carry_the_host_of_their_endpoint() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        assert asker.held.home.authority == v1.origin.removeprefix("http://")
