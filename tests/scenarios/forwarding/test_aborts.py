"""15 000 clients that leave in the middle cost nothing that stays."""

from pathlib import Path

from tests.conformance.corpus.strict import Request
from tests.support.child import gateway_process
from tests.support.client import ask
from tests.support.crowd import crowd
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.load import load
from tests.support.poll import until
from tests.support.soon import soon

ABORTS = 15_000
WARM_UP = 1_000
GROWTH_BYTES = 24 << 20
OWN_DESCRIPTORS = 40
"""Listeners, the loop's own, the log; what is open beyond these are pooled connections to the upstream."""


async def test_15_000_client_aborts_leave_nothing_behind(tmp_path: Path) -> None:
    def plan(request: Request) -> float:
        return 0.05 if b"/slow" in request.target else 0.0

    async with Echo(plan) as v1, gateway_process(tmp_path, plain(v1.origin)) as child:

        async def is_at_rest() -> bool:
            return not await child.metric('crossfade_upstream_connections{state="active",upstream="v1"}')

        async with crowd(child.public) as clients:
            await clients.abort(WARM_UP)
            resident = child.resident_bytes()
            async with load(child.public, clients=2) as running:
                await clients.abort(ABORTS - WARM_UP)
        assert running.lost == []
        assert len(running.seconds) > 50
        assert await soon(lambda: child.descriptors() <= OWN_DESCRIPTORS + len(v1.links))
        await until(is_at_rest)
        assert child.resident_bytes() - resident < GROWTH_BYTES
        assert (await ask(child.public, "/api/after")).json()["target"] == "/api/after"
