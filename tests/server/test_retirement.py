"""After `removed` the legacy upstream gets nothing, not even health probes; and it may be deleted from the file."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.server.gateway import Gateway
from tests.support.client import ask
from tests.support.clock import FakeClock
from tests.support.gateway import migrating, running
from tests.support.poll import until
from tests.support.soon import soon
from tests.support.upstream import ScriptedUpstream

DATED = """    deprecation: {announced: 2027-01-01, deprecated: +30d, gone: +60d, removed: +90d, docs: "https://docs.test"}"""
BEFORE_GONE = datetime(2027, 3, 1, tzinfo=UTC).timestamp()
REMOVED = datetime(2027, 4, 1, tzinfo=UTC).timestamp()


def probed(v1: ScriptedUpstream, v2: ScriptedUpstream, rest: str = DATED) -> str:
    text = migrating(v1.origin, v2.origin, percent=0, rest=rest)
    return text.replace(f"[{v1.origin}]", f"[{v1.origin}], health: {{path: /up, interval: 50ms, timeout: 50ms}}")


async def rests(gateway: Gateway) -> bool:
    """Whether v1 is none of the upstreams that the gateway speaks of."""
    answer = await ask(gateway.admin_port, "/metrics")
    return b"upstream_healthy{" in answer.body and b'upstream="v1"' not in answer.body


async def asked(gateway: Gateway) -> tuple[int, str]:
    answer = await ask(gateway.public_port, "/api/favorites")
    return answer.status, answer.json().get("type", "").removeprefix("urn:crossfade:problem:")


async def test_the_legacy_upstream_gets_nothing_from_removed_on_without_a_reload(tmp_path: Path) -> None:
    clock = FakeClock(REMOVED - 1)
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2, running(tmp_path, probed(v1, v2), clock=clock) as up:
        assert await soon(lambda: len(v1.received) > 2)
        assert not await rests(up)
        clock.advance(1)
        assert await asked(up) == (404, "api-version-removed")
        await until(partial(rests, up))
        assert await soon(lambda: not v1._writers)
        before = v1.connections
        for _ in range(10):
            assert await asked(up) == (404, "api-version-removed")
        assert v1.connections == before
        # The clock is set back: whoever comes first is served, and the checks begin anew.
        clock.jump(BEFORE_GONE)
        assert (await asked(up))[0] == 200
        assert await soon(lambda: v1.connections > before + 2)
    assert v2.received == []


async def test_a_start_after_the_end_asks_nobody(tmp_path: Path) -> None:
    clock = FakeClock(REMOVED)
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2, running(tmp_path, probed(v1, v2), clock=clock) as up:
        assert await asked(up) == (404, "api-version-removed")
        assert await up.reload()
        assert await asked(up) == (404, "api-version-removed")
    assert v1.connections == 0


@pytest.mark.parametrize(
    "use",
    [
        'routes:\n  - {name: rest, match: "/rest", upstream: v1, auth: none}',
        "routes: []\n  # an endpoint lives on",
    ],
)
async def test_an_upstream_that_somebody_still_uses_is_probed_on(tmp_path: Path, use: str) -> None:
    clock = FakeClock(REMOVED)
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2:
        text = probed(v1, v2, f"{DATED}\n{use}")
        if "lives on" in use:
            text = text.replace(
                '"POST /api/v2/watchlist", ', '"POST /api/v2/watchlist", deprecation: {removed: null}, '
            )
        async with running(tmp_path, text, clock=clock):
            assert await soon(lambda: len(v1.received) > 1)


async def test_the_upstream_can_be_deleted_from_the_running_file(tmp_path: Path) -> None:
    clock = FakeClock(REMOVED)
    async with ScriptedUpstream() as v1, ScriptedUpstream() as v2, running(tmp_path, probed(v1, v2), clock=clock) as up:
        path = tmp_path / "gateway.yaml"
        path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("  v1:")))
        assert await up.reload()
        assert await asked(up) == (404, "api-version-removed")
        clock.jump(BEFORE_GONE)
        assert await asked(up) == (502, "upstream-unavailable")
