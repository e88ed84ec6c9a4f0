"""Which requests count as a backend's failures, for whoever judges it by them."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.support.client import ask, connected
from tests.support.gateway import plain, running
from tests.support.port import free_port
from tests.support.scrape import scrape
from tests.support.sides import Sides, sides
from tests.support.upstream import Peer, Received, Script, ScriptedUpstream, answering, json_answer

CHUNKED = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


async def _silent(_received: Received, peer: Peer) -> None:
    await peer.gone()


async def _closing(_received: Received, _peer: Peer) -> None:
    """Close without a word."""


def _cut(data: bytes) -> Script:
    return answering(data, keep=False)


FAILURES: dict[str, Script] = {
    "a 500": answering(json_answer(b"{}", "500 Oops")),
    "a 503 without a body": answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
    "a 502 in chunks": answering(CHUNKED % b"502 Bad" + b"2\r\n{}\r\n0\r\n\r\n"),
    "a 599 after a 103": answering(b"HTTP/1.1 103 Early\r\n\r\n" + json_answer(b"{}", "599 Own")),
    "no answer in time": _silent,
    "no answer at all": _closing,
    "no HTTP": _cut(b"hello\r\n\r\n"),
    "an answer that ends too soon": _cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
    "chunks that end too soon": _cut(CHUNKED % b"200 OK" + b"5\r\nab"),
}
OTHERS: dict[str, Script] = {
    "a 200": answering(json_answer(b"{}")),
    "a 404": answering(json_answer(b"{}", "404 None")),
    "a 429": answering(json_answer(b"{}", "429 Slowly")),
    "a 499": answering(json_answer(b"{}", "499 Odd")),
}


BODILESS = {"an answer that ends too soon", "chunks that end too soon"}
"""What an answer to HEAD cannot do: it has no body."""
UNTRANSLATABLE = ("data[].{stock_code: symbol}", "avg(data[].symbol)")
SMALL = ("server:", "server:\n  limits: {body: 1KiB}")


async def _asked(site: Sides, method: str = "GET") -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await site.ask(method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("kind", FAILURES)
async def test_a_backends_failure_counts_once_at_its_endpoint_and_side(tmp_path: Path, kind: str, method: str) -> None:
    if method == "HEAD" and kind in BODILESS:
        return
    async with sides(tmp_path, successor=FAILURES[kind]) as site:
        await _asked(site, method)
        found = await site.scrape()
    endpoint = "POST /api/favorites" if method == "POST" else "GET /api/favorites"
    assert found.total("failures_total", migration="watchlist", endpoint=endpoint, side="successor") == 1
    assert found.total("failures_total") == 1
    assert found.total("requests_total") == 1


@pytest.mark.parametrize("script", OTHERS.values(), ids=OTHERS.keys())
async def test_an_answer_below_500_is_no_failure(tmp_path: Path, script: Script) -> None:
    async with sides(tmp_path, successor=script) as site:
        await _asked(site)
        found = await site.scrape()
    assert (found.total("requests_total"), found.total("failures_total")) == (1, 0)


async def test_a_refused_connection_is_a_failure(tmp_path: Path) -> None:
    text = plain(f"http://127.0.0.1:{free_port()}")
    async with running(tmp_path, text) as gateway:
        assert (await ask(gateway.public_port, "/api/x")).status == 502
        found = await scrape(gateway.admin_port)
    assert found.total("failures_total", migration="everything", side="") == 1


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (b'{"data": [{"symbol": "600519"}]}', UNTRANSLATABLE),
        (b'{"data": [{"symbol": "600519"}], "big": "' + b"x" * 2000 + b'"}', SMALL),
    ],
    ids=["untranslatable", "too large to be translated"],
)
async def test_an_answer_that_cannot_be_translated_is_a_failure(
    tmp_path: Path, body: bytes, change: tuple[str, str]
) -> None:
    async with sides(tmp_path, successor=answering(json_answer(body)), change=change) as site:
        assert (await site.ask()).status == 502
        found = await site.scrape()
    assert found.total("failures_total", side="successor") == 1


async def test_a_failure_of_legacy_is_legacys(tmp_path: Path) -> None:
    async with sides(tmp_path, legacy=FAILURES["a 500"], percent=0) as site:
        await _asked(site)
        found = await site.scrape()
    assert found.total("failures_total", side="legacy") == found.total("failures_total") == 1


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"], ids=["early", "midway"])
async def test_a_client_that_leaves_is_nobodys_failure(tmp_path: Path, begun: bytes) -> None:
    is_asked = asyncio.Event()

    async def slow(_received: Received, peer: Peer) -> None:
        await peer.send(begun)
        is_asked.set()
        await peer.gone()

    async with sides(tmp_path, legacy=slow, percent=0) as site:
        async with connected(site.port) as client:
            await client.send(b"GET /api/favorites HTTP/1.1\r\nHost: a\r\nX-User: alice\r\n\r\n")
            await is_asked.wait()
        await site.v1.peers_gone.wait()
        found = await site.scrape()
    assert (found.total("requests_total", side="legacy"), found.total("failures_total")) == (1, 0)


async def test_our_own_refusals_and_limits_are_nobodys_failure(tmp_path: Path) -> None:
    hold = asyncio.Event()

    async def holding(_received: Received, peer: Peer) -> bool:
        await hold.wait()
        await peer.send(json_answer(b"{}"))
        return True

    limits = "    max_connections: 1\n    connect_timeout: 100ms"
    async with ScriptedUpstream(holding) as v1, running(tmp_path, plain(v1.origin, upstream=limits)) as gateway:
        async with connected(gateway.public_port) as first:
            await first.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            await v1.connected.wait()
            assert (await ask(gateway.public_port, "/api/x")).status == 503
            hold.set()
            assert (await first.answer()).status == 200
        assert (await ask(gateway.public_port, "/nowhere")).status == 404
        found = await scrape(gateway.admin_port)
    assert (found.total("requests_total"), found.total("failures_total")) == (3, 0)


async def test_durations_are_shown_by_side_over_all_endpoints(tmp_path: Path) -> None:
    async with sides(tmp_path) as site:
        for method in ("GET", "POST", "POST"):
            await _asked(site, method)
        found = await site.scrape()
    labels = {"migration": "watchlist", "side": "successor"}
    assert labels in [given for name, given, _ in found.samples if name == "request_duration_seconds_count"]
    assert found.total("request_duration_seconds_count", **labels) == 3
