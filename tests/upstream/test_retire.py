"""The end of a cluster: what is under way is finished, and nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.core.tasks import spawn
from gateway.upstream.cluster import Cluster
from gateway.upstream.fault import UpstreamError, UpstreamFault
from tests.upstream.asker import Asker, holding, ready, release, waiting
from tests.upstream.backend import OK, backend, cluster, saying, saying_when, silent, until


class Retrying(Asker):
    """Asks for a fresh connection, in the name of another, as soon as its own fails."""

    def __init__(self, found: Cluster, again: Asker) -> None:
        super().__init__()
        self._found = found
        self._again = again

    def on_error(self, error: UpstreamError) -> None:
        super().on_error(error)
        self._found.wait(self._again, fresh=True)


@asynccontextmanager
async def _retiring(found: Cluster) -> AsyncIterator[asyncio.Task[None]]:
    """Retire the cluster during the block, and wait for it at its end."""
    tasks: set[asyncio.Task[None]] = set()
    retired = spawn(found.retire(), name="retire", owner=tasks)
    await asyncio.sleep(0)
    yield retired
    async with asyncio.timeout(5):
        await retired


async def test_a_retired_cluster_ends_when_its_last_exchange_has() -> None:
    answer = asyncio.Event()
    async with backend(saying_when(answer, OK)) as v1, cluster(v1.origin) as found:
        idle, busy = await holding(found), await holding(found)
        release(idle)
        busy.ask()
        async with _retiring(found) as retired:
            await until(lambda: len(v1.links) == 1)
            assert not retired.done()
            answer.set()
            await busy.finished()
        assert (busy.body, found.size) == (b"hi", 0)


async def test_a_retired_cluster_still_serves_who_waits_for_it() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin, max_connections=1) as found:
        first, second = await waiting(found, 2)
        async with _retiring(found):
            for asker in (first, second):
                await ready(asker)
                asker.ask()
                await asker.finished()
                assert asker.body == b"hi"


async def test_a_retired_cluster_still_retries() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        again = Asker()
        asker = Retrying(found, again)
        await asker.find(found)
        async with _retiring(found) as retired:
            asker.ask()
            asker.held.abort()
            await ready(again)
            assert not retired.done()
            again.ask()
            await again.finished()
        assert again.body == b"hi"


async def test_a_closed_cluster_refuses_everybody_and_opens_nothing() -> None:
    async with backend(silent) as v1, cluster(v1.origin, max_connections=1) as found:
        busy = await holding(found)
        busy.ask()
        (queued,) = await waiting(found, 1)
        await found.close()
        (late,) = await waiting(found, 1)
        await ready(queued, late)
        assert (queued.fault, late.fault) == (UpstreamFault.UNREACHABLE, UpstreamFault.UNREACHABLE)
        await busy.finished()
        assert busy.fault is UpstreamFault.LOST
        assert v1.opened == 1


async def test_closing_while_dialing_tells_who_waits() -> None:
    async with backend(silent) as v1, cluster(v1.origin.replace("http:", "https:"), connect_timeout="9s") as found:
        askers = await waiting(found, 2)
        await until(lambda: v1.opened == 2)
        await found.close()
        assert {asker.fault for asker in askers} == {UpstreamFault.UNREACHABLE}
