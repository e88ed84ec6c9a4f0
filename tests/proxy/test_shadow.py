"""Some of legacy's answers are compared with the successor's, and the client never notices."""

import asyncio
import gzip
import pickle
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.observability.access_log import AccessLog
from gateway.observability.delta import Delta
from gateway.observability.shadow import Difference, ShadowSample
from gateway.server.alone import Alone
from gateway.server.configuration import ConfigSource
from tests.support.client import Received as Answer
from tests.support.client import ask, connected
from tests.support.gateway import migrating
from tests.support.poll import until
from tests.support.port import free_port
from tests.support.soon import soon
from tests.support.upstream import Peer, Received, Script, ScriptedUpstream, answering, json_answer

GET = b"GET /api/favorites HTTP/1.1\r\nHost: a\r\nX-User: a\r\n\r\n"
LEGACYS = json_answer(b'{"success":true,"data":[{"stock_code":"600519"}]}')
SUCCESSORS = json_answer(b'{"success": true, "data": [{"symbol": "600519"}], "meta": {"requestId": "r-1"}}')
OTHER = json_answer(b'{"success": true, "data": [{"symbol": "000001"}]}')
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
AS_IT_IS = (", adapt: items", "")


@dataclass
class Site:
    """A data plane between two scripted sides, and what it has reported."""

    plane: Alone
    v1: ScriptedUpstream
    v2: ScriptedUpstream
    deltas: list[Delta] = field(default_factory=list)

    async def ask(self, method: str = "GET", target: str = "/api/favorites", **fields: str) -> Answer:
        """Send one request."""
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        return await ask(self.plane.port, target, method, {"X-User": "alice", **named})

    async def results(self, count: int = 1) -> dict[str, int]:
        """Wait for so many results, and return how many there are of each."""

        async def is_there() -> bool:
            await self.plane.refresh()
            return self._results().total() >= count

        await until(is_there)
        return dict(self._results())

    def _results(self) -> Counter[str]:
        found = Counter[str]()
        for delta in self.deltas:
            for (migration, result), gained in delta.counts["shadows"].items():
                assert migration == "watchlist"
                found[result] += gained
        return found

    @property
    def samples(self) -> list[ShadowSample]:
        """What has been reported of answers that differ."""
        return [sample for delta in self.deltas for sample in delta.samples]


@asynccontextmanager
async def shadowing(
    folder: Path,
    legacy: Script | None = None,
    successor: Script | None = None,
    *,
    shadow: str = "{percent: 100}",
    change: tuple[str, str] = ("", ""),
    percent: float = 0,
    is_dead: bool = False,
) -> AsyncIterator[Site]:
    """Run it; the successor has a tenth of a second for an answer."""
    first = legacy if legacy is not None else answering(LEGACYS)
    second = successor if successor is not None else answering(SUCCESSORS)
    async with ScriptedUpstream(first) as v1, ScriptedUpstream(second) as v2:
        origin = f"http://127.0.0.1:{free_port()}" if is_dead else v2.origin
        text = migrating(v1.origin, origin, percent=percent)
        text = text.replace(f"[{origin}]", f"[{origin}], response_timeout: 100ms")
        text = text.replace("salt: tacn", f"salt: tacn, shadow: {shadow}").replace(*change)
        path = folder / "gateway.yaml"
        path.write_text(text)
        loaded = await ConfigSource(path, {}, SystemClock()).read()
        deltas: list[Delta] = []
        plane = Alone(loaded, deltas.append, AccessLog(), SystemClock())
        try:
            await plane.start(loaded)
            yield Site(plane, v1, v2, deltas)
        finally:
            await plane.close()


async def _silent(_received: Received, peer: Peer) -> None:
    await peer.gone()


async def _closing(_received: Received, _peer: Peer) -> None:
    """Close without a word."""


def _piecewise(*parts: bytes) -> Script:
    async def script(_received: Received, peer: Peer) -> bool:
        for part in parts:
            await peer.send(part)
            await asyncio.sleep(0.02)
        return True

    return script


async def test_a_copy_is_what_the_successor_would_have_been_asked(tmp_path: Path) -> None:
    async with shadowing(tmp_path) as site:
        answer = await site.ask(target="/api/favorites?page=2", X_Request_Id="mine-1", Crossfade_Shadow="yes")
        assert await site.results() == {"match": 1}
    assert (answer.status, answer.get("X-Served-By")) == (200, "v1")
    legacys, copy = site.v1.received[0], site.v2.received[0]
    assert copy.line == "GET /api/v2/watchlist?page=2 HTTP/1.1"
    assert (copy.get("Crossfade-Shadow"), legacys.get("Crossfade-Shadow")) == ("1", None)
    assert copy.get("X-Request-Id") == legacys.get("X-Request-Id") == "mine-1"
    assert copy.get("X-User") == "alice"


async def test_answers_that_say_the_same_match_whatever_is_translated_away(tmp_path: Path) -> None:
    async with shadowing(tmp_path) as site:
        for _ in range(3):
            await site.ask()
        assert await site.results(3) == {"match": 3}
        assert site.samples == []


async def test_a_difference_is_counted_by_its_path_and_told_without_values(tmp_path: Path) -> None:
    async with shadowing(tmp_path, successor=answering(OTHER)) as site:
        await site.ask()
        assert await site.results() == {"mismatch": 1}
        (sample,) = site.samples
        fields = [delta.counts["shadow_fields"] for delta in site.deltas if delta.counts["shadow_fields"]]
    assert fields == [{("watchlist", "data[*].stock_code"): 1}]
    assert (sample.migration, sample.endpoint) == ("watchlist", "GET /api/favorites")
    assert sample.differences == (Difference("data[*].stock_code", "str(6)", "str(6)"),)
    assert pickle.loads(pickle.dumps(sample)) == sample


async def test_values_are_told_where_the_file_says_so(tmp_path: Path) -> None:
    async with shadowing(tmp_path, successor=answering(OTHER), shadow="{percent: 100, redact: false}") as site:
        await site.ask()
        await site.results()
        (sample,) = site.samples
    assert sample.differences == (Difference("data[*].stock_code", '"600519"', '"000001"'),)


async def test_ignored_fields_may_differ(tmp_path: Path) -> None:
    shadow = '{percent: 100, ignore: ["meta.**", "data[*].stock_code"]}'
    async with shadowing(tmp_path, successor=answering(OTHER), shadow=shadow) as site:
        await site.ask()
        assert await site.results() == {"match": 1}


@pytest.mark.parametrize(
    ("successor", "result"),
    [
        (answering(json_answer(b'{"error": {"message": "m"}}', "404 None")), "mismatch"),
        (answering(json_answer(b"{}", "500 Oops")), "error"),
        (answering(json_answer(b"no JSON")), "mismatch"),
        (answering(json_answer(b'{"data": "no list"}')), "mismatch"),
        (answering(b"HTTP/1.1 204 None\r\n\r\n"), "mismatch"),
        (answering(b"hello\r\n\r\n"), "error"),
        (answering(LENGTH % 9 + b"abc", keep=False), "error"),
        (_closing, "error"),
        (_silent, "error"),
        (answering(b"HTTP/1.1 103 Early\r\n\r\n" + SUCCESSORS), "match"),
        (_piecewise(SUCCESSORS[:20], SUCCESSORS[20:-9], SUCCESSORS[-9:]), "match"),
        (answering(CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"), "mismatch"),
        (answering(json_answer(b'"' + b"x" * 300_000 + b'"')), "dropped"),
        (answering(CHUNKED + b"493e0\r\n" + b"x" * 300_000 + b"\r\n0\r\n\r\n"), "dropped"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", keep=True), "dropped"),
    ],
)
async def test_whatever_the_successor_does_is_counted_once_and_not_seen(
    tmp_path: Path, successor: Script, result: str
) -> None:
    async with shadowing(tmp_path, successor=successor) as site:
        answer = await site.ask()
        assert (answer.status, answer.get("X-Served-By")) == (200, "v1")
        assert await site.results() == {result: 1}
        assert (await site.ask()).status == 200
        assert await site.results(2) == {result: 2}
        failures = [delta.counts["failures"] for delta in site.deltas]
    assert not any(failures)


async def test_a_successor_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    async with shadowing(tmp_path, is_dead=True) as site:
        assert (await site.ask()).status == 200
        assert await site.results() == {"error": 1}


async def test_an_answer_that_cannot_be_translated_is_an_error(tmp_path: Path) -> None:
    change = ("data[].{stock_code: symbol}", "avg(data[].symbol)")
    async with shadowing(tmp_path, change=change) as site:
        await site.ask()
        assert await site.results() == {"error": 1}


@pytest.mark.parametrize(
    "legacy",
    [
        answering(json_answer(b"{}", "404 None")),
        answering(json_answer(b"{}", "500 Oops")),
        answering(json_answer(b"{}", "206 Part")),
        answering(b"HTTP/1.1 304 Same\r\n\r\n"),
        answering(CHUNKED.replace(b"200 OK", b"503 No") + b"2\r\n{}\r\n0\r\n\r\n"),
        answering(LENGTH % 9 + b"abc", keep=False),
        _closing,
    ],
)
async def test_an_answer_of_legacys_that_is_no_success_is_not_compared(tmp_path: Path, legacy: Script) -> None:
    async with shadowing(tmp_path, legacy) as site:
        await site.ask()
        site.v1.script = answering(LEGACYS)
        await site.ask()
        assert await site.results() == {"match": 1}
        assert len(site.v2.received) == 1


async def test_only_what_cannot_change_anything_is_copied(tmp_path: Path) -> None:
    async with shadowing(tmp_path) as site:
        await site.ask("POST")
        async with connected(site.plane.port) as client:
            await client.send(GET[:-2] + b"Content-Length: 2\r\n\r\n{}")
            assert (await client.answer()).status == 200
        await site.ask("GET")
        assert await site.results() == {"match": 1}
        assert [received.line for received in site.v2.received] == ["GET /api/v2/watchlist HTTP/1.1"]


async def test_a_get_that_the_successor_takes_as_a_post_is_not_copied(tmp_path: Path) -> None:
    async with shadowing(tmp_path, change=("GET /api/v2/watchlist", "POST /api/v2/find")) as site:
        await site.ask()
        await site.plane.refresh()
        assert not site.v2.received


async def test_what_the_successor_answers_anyway_is_not_copied(tmp_path: Path) -> None:
    async with shadowing(tmp_path, percent=100) as site:
        assert (await site.ask()).get("X-Served-By") == "v2"
        await site.plane.refresh()
        assert (len(site.v1.received), len(site.v2.received)) == (0, 1)


async def test_head_is_compared_by_its_status(tmp_path: Path) -> None:
    head = answering(LENGTH % 7)
    async with shadowing(tmp_path, head, head) as site:
        assert (await site.ask("HEAD")).status == 200
        assert await site.results() == {"match": 1}
        assert site.v2.received[0].line == "HEAD /api/v2/watchlist HTTP/1.1"
        site.v2.script = answering(b"HTTP/1.1 404 None\r\nContent-Length: 7\r\n\r\n")
        await site.ask("HEAD")
        assert await site.results(2) == {"match": 1, "mismatch": 1}


async def test_streamed_answers_are_compared_as_well(tmp_path: Path) -> None:
    body = b'{"a": [' + b"1, " * 20_000 + b"1]}"
    legacy = answering(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    successor = _piecewise(LENGTH % len(body), body[:30_000], body[30_000:])
    async with shadowing(tmp_path, legacy, successor, change=AS_IT_IS) as site:
        assert (await site.ask()).body == body
        assert await site.results() == {"match": 1}
        site.v2.script = answering(LENGTH % len(body) + body.replace(b"1]}", b"2]}"))
        await site.ask()
        assert await site.results(2) == {"match": 1, "mismatch": 1}


async def test_compressed_answers_are_compared_by_what_they_hold(tmp_path: Path) -> None:
    def packed(body: bytes, coding: bytes = b"gzip") -> Script:
        data = gzip.compress(body)
        return answering(json_answer(data, fields=b"Content-Encoding: " + coding + b"\r\n"))

    async with shadowing(tmp_path, packed(b'{"a": 1}'), packed(b'{"a":1}'), change=AS_IT_IS) as site:
        await site.ask(Accept_Encoding="gzip")
        assert await site.results() == {"match": 1}
        site.v2.script = answering(json_answer(b'{"a": 2}'))
        await site.ask()
        assert await site.results(2) == {"match": 1, "mismatch": 1}
        for number, script in enumerate(
            [
                packed(b"x" * 10_000_000),
                packed(b"{}", b"br"),
                answering(json_answer(b"xx", fields=b"Content-Encoding: gzip\r\n")),
            ]
        ):
            site.v2.script = script
            await site.ask()
            assert (await site.results(3 + number))["dropped"] == number + 1


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_large_answer_of_legacys_is_not_compared(tmp_path: Path, is_announced: bool) -> None:
    body = b"x" * 300_000
    script = answering(LENGTH % len(body) + body if is_announced else CHUNKED + b"493e0\r\n" + body + b"\r\n0\r\n\r\n")
    async with shadowing(tmp_path, script) as site:
        assert (await site.ask()).body == body
        assert await site.results() == {"dropped": 1}
        assert not site.v2.received


async def test_the_client_never_waits_for_the_successor(tmp_path: Path) -> None:
    change = ("response_timeout: 100ms", "response_timeout: 60s")
    async with shadowing(tmp_path, successor=_silent, change=change) as site, connected(site.plane.port) as client:
        async with asyncio.timeout(5):
            for _ in range(40):
                await client.send(GET)
                assert (await client.answer()).status == 200
        assert await site.results(8) == {"dropped": 8}  # 32 are under way
        assert len(site.v2.received) <= 32


async def test_a_copy_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.proxy.copy.TIMEOUT_SECONDS", 0.05)
    change = ("response_timeout: 100ms", "response_timeout: 60s")
    async with shadowing(tmp_path, successor=_silent, change=change) as site:
        await site.ask()
        assert await site.results() == {"error": 1}
        assert await soon(site.v2.peers_gone.is_set)


async def test_no_copy_takes_a_connection_that_others_need(tmp_path: Path) -> None:
    change = ("response_timeout: 100ms", "response_timeout: 60s, max_connections: 1")
    async with shadowing(tmp_path, successor=_silent, change=change) as site:
        await site.ask()
        assert await soon(lambda: bool(site.v2.received))
        await site.ask()
        assert await site.results() == {"dropped": 1}


async def test_a_client_that_leaves_midway_leaves_nothing_behind(tmp_path: Path) -> None:
    async def begin(_received: Received, peer: Peer) -> None:
        await peer.send(LENGTH % 9 + b"abc")
        await peer.gone()

    async with shadowing(tmp_path, begin) as site:
        for _ in range(40):
            async with connected(site.plane.port) as client:
                await client.send(GET)
                await client.head()
        site.v1.script = answering(LEGACYS)

        async def is_shadowed() -> bool:
            await site.ask()
            return bool(site.v2.received)

        await until(is_shadowed)
        assert (await site.results()).keys() == {"match"}


async def test_pipelined_requests_are_all_compared(tmp_path: Path) -> None:
    async with shadowing(tmp_path) as site, connected(site.plane.port) as client:
        await client.send(GET * 5)
        for _ in range(5):
            assert (await client.answer()).status == 200
        assert await site.results(5) == {"match": 5}


async def test_about_the_share_is_compared(tmp_path: Path) -> None:
    async with shadowing(tmp_path, shadow="{percent: 30}") as site, connected(site.plane.port) as client:
        for _ in range(400):
            await client.send(GET)
            assert (await client.answer()).status == 200
        await soon(lambda: len(site.v2.received) > 60)
        assert 60 < len(site.v2.received) < 180  # more than six standard deviations around 120


async def test_connections_of_copies_are_used_again_and_nothing_is_left(tmp_path: Path) -> None:
    async with shadowing(tmp_path, answering(LEGACYS), answering(SUCCESSORS)) as site:
        for number in range(10):
            await site.ask()
            await site.results(number + 1)
        assert site.v2.connections == 1
        member = site.plane.members()[0]
        assert member.report is not None
        assert [upstream.active for upstream in member.report.figures.upstreams] == [0, 0]


async def test_closing_ends_copies_that_are_under_way(tmp_path: Path) -> None:
    change = ("response_timeout: 100ms", "response_timeout: 60s")
    async with shadowing(tmp_path, successor=_silent, change=change) as site:
        await site.ask()
        assert await soon(lambda: bool(site.v2.received))
    assert await soon(site.v2.peers_gone.is_set)
