"""Reloads under load lose nothing, and a poisoned file changes nothing."""

import signal
from pathlib import Path

from tests.conformance.corpus.strict import Request
from tests.support.child import OPS, Child, gateway_process
from tests.support.client import ask
from tests.support.echo import Echo
from tests.support.gateway import plain
from tests.support.load import load
from tests.support.poll import until

POISON = [
    "version: 1\nupstreams: {",
    "version: 2",
    "",
    plain("http://127.0.0.1:1").replace("upstream: v1", "upstream: v9"),
    plain("http://127.0.0.1:1") + "\nsurprise: 1\n",
    "\x00\x01",
]


async def _apply(child: Child, text: str, revision: int) -> None:
    async def is_applied() -> bool:
        return await child.revision() >= revision

    child.config.write_text(text)
    child.signal(signal.SIGHUP)
    await until(is_applied)


async def test_100_reloads_under_load_lose_nothing(tmp_path: Path) -> None:
    async with Echo() as v1:
        text = plain(v1.origin, rest='  - {name: extra, match: "/extra", upstream: v1, auth: none}')
        async with gateway_process(tmp_path, text) as child, load(child.public) as running:
            for number in range(2, 102):
                await _apply(child, text.replace("/extra", f"/extra/{number}"), number)
        assert running.lost == []
        assert len(running.seconds) > 100


async def test_reloads_that_replace_the_upstream_under_load_lose_nothing(tmp_path: Path) -> None:
    def plan(request: Request) -> float:
        return 0.03 if request.method == b"POST" else 0.0

    async with Echo(plan) as one, Echo(plan) as two:
        texts = [
            plain(origin, upstream=f"    max_connections: {count}")
            for origin, count in ((one.origin, 8), (two.origin, 8), (one.origin, 9), (two.origin, 9))
        ]
        methods = ("GET", "POST", "PUT")
        async with gateway_process(tmp_path, texts[0]) as child, load(child.public, methods=methods) as running:
            for number in range(2, 42):
                await _apply(child, texts[number % len(texts)], number)
        assert running.lost == []
        arrived = one.arrived + two.arrived
        assert {arrived[call] for call in running.answered} == {1}
        assert min(len(echo.arrived) for echo in (one, two)) > 20


async def test_a_poisoned_configuration_changes_nothing(tmp_path: Path) -> None:
    async with Echo() as v1:
        text = plain(v1.origin)
        async with gateway_process(tmp_path, text) as child, load(child.public, methods=("GET", "POST")) as running:
            digest = await _digest(child)
            for number, poison in enumerate(POISON, start=1):

                async def is_refused(wanted: int = number) -> bool:
                    return await child.metric('crossfade_config_reloads_total{result="refused"}') >= wanted

                child.config.write_text(poison)
                child.signal(signal.SIGHUP)
                await until(is_refused)
                assert (await child.revision(), await _digest(child)) == (1, digest)
            await _apply(child, text.replace("/api/{rest*}", "/{rest*}"), 2)
            assert (await ask(child.public, "/elsewhere")).status == 200
        assert running.lost == []
        assert len(running.seconds) > 20


async def _digest(child: Child) -> str:
    found: str = (await ask(child.admin, "/api/status", fields=OPS)).json()["config"]["digest"]
    return found
