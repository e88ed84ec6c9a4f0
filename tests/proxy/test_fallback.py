"""A safe request that the successor fails is answered by legacy; nothing else ever is."""

import asyncio
import json
import logging
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from gateway.observability.access_log import LOGGER
from tests.support.client import connected
from tests.support.sides import Sides, sides
from tests.support.soon import soon
from tests.support.upstream import OK, Peer, Received, Script, answering, json_answer

ON = ", fallback: true"
LEGACYS = json_answer(b'{"from": "v1"}', fields=b"X-Backend: v1\r\n")
CHUNKED = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
HUGE = b"x" * 300_000
GET = b"GET /api/favorites HTTP/1.1\r\nHost: a\r\nX-User: a\r\n\r\n"


async def _silent(_received: Received, peer: Peer) -> None:
    await peer.gone()


async def _closing(_received: Received, _peer: Peer) -> None:
    """Close without a word."""


def _then_silent(data: bytes) -> Script:
    async def script(_received: Received, peer: Peer) -> None:
        await peer.send(data)
        await peer.gone()

    return script


def _piecewise(*parts: bytes) -> Script:
    async def script(_received: Received, peer: Peer) -> bool:
        for part in parts:
            await peer.send(part)
            await asyncio.sleep(0.02)
        return True

    return script


FAILURES: dict[str, tuple[Script, str]] = {
    "a 500": (answering(json_answer(b'{"error": {"message": "m"}}', "500 Oops")), "answered 500"),
    "a 503 of nothing": (answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), "answered 503"),
    "a 502 in chunks": (answering(CHUNKED % b"502 Bad" + b"2\r\n{}\r\n0\r\n\r\n"), "answered 502"),
    "a 500 in parts": (_piecewise(LENGTH % (b"500 Oops", 4), b"ab", b"cd"), "answered 500"),
    "a huge 500": (answering(json_answer(HUGE, "500 Oops")), "answered 500"),
    "an endless 500": (_then_silent(CHUNKED % b"500 Oops" + b"1\r\nx\r\n"), "answered 500"),
    "a 504 after a 103": (answering(b"HTTP/1.1 103 Early\r\n\r\n" + json_answer(b"{}", "504 Late")), "answered 504"),
    "a last 500": (answering(b"HTTP/1.0 500 Oops\r\n\r\nbody", keep=False), "answered 500"),
    "no answer in time": (_silent, "did not answer in time"),
    "half a head": (_then_silent(b"HTTP/1.1 200 O"), "did not answer in time"),
    "no answer": (_closing, "closed the connection"),
    "no HTTP": (answering(b"hello\r\n\r\n"), "sent an answer that cannot be used"),
    "an endless interim": (answering(b"HTTP/1.1 102 Wait\r\n\r\n" * 20), "sent an answer that cannot be used"),
}
BODY_FAILURES: dict[str, tuple[Script, str]] = {
    "a head alone": (answering(LENGTH % (b"200 OK", 9), keep=False), "sent an answer that cannot be used"),
    "a head, then silence": (_then_silent(LENGTH % (b"200 OK", 9)), "did not answer in time"),
    "chunks that never begin": (_then_silent(CHUNKED % b"200 OK"), "did not answer in time"),
    "chunks that are none": (answering(CHUNKED % b"200 OK" + b"zz\r\n"), "sent an answer that cannot be used"),
    "an answer that breaks while it is held": (
        answering(LENGTH % (b"200 OK", 99) + b'{"data', keep=False),
        "sent an answer that cannot be used",
    ),
    "an answer that cannot be translated": (
        answering(json_answer(b'{"data": [{"symbol": "a"}]}')),
        "sent an answer that cannot be used",
    ),
}
UNTRANSLATABLE = ("data[].{stock_code: symbol}", "avg(data[].symbol)")


def _reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = [record.message for record in caplog.records if record.name == LOGGER]
    return [json.loads(line)["reason"] for text in lines for line in text.splitlines()]


async def _assert_counted(site: Sides, *, blamed: int = 1) -> None:
    found = await site.scrape()
    assert found.total("requests_total") == found.total("requests_total", side="legacy", code="200") == 1
    assert found.total("failures_total") == found.total("failures_total", side="successor") == blamed
    assert found.total("fallbacks_total", migration="watchlist") == 1
    assert found.total("request_duration_seconds_count", migration="watchlist") == 1
    assert found.total("request_duration_seconds_count", side="fallback") == 1


@pytest.mark.parametrize("kind", FAILURES | BODY_FAILURES)
async def test_a_failed_get_is_answered_by_legacy(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    script, complaint = (FAILURES | BODY_FAILURES)[kind]
    async with sides(tmp_path, answering(LEGACYS), script, rollout=ON, change=UNTRANSLATABLE) as site:
        answer = await site.ask(target="/api/favorites?page=%32")
        assert (answer.status, answer.body) == (200, b'{"from": "v1"}')
        assert answer.get("X-Served-By") == "v1"
        assert answer.get("X-Backend") == "v1"
        assert site.v1.received[0].line == "GET /api/favorites?page=%32 HTTP/1.1"
        assert len(site.v2.received) == len(site.v1.received) == 1
        await _assert_counted(site)
    assert _reasons(caplog) == [f"fallback: v2 {complaint}"]


@pytest.mark.parametrize("kind", BODY_FAILURES)
async def test_without_an_adapter_an_answer_falls_back_until_its_first_byte(tmp_path: Path, kind: str) -> None:
    script, _ = BODY_FAILURES[kind]
    change = (", adapt: items", "")
    async with sides(tmp_path, answering(LEGACYS), script, rollout=ON, change=change) as site:
        answer = await site.ask()
        fallbacks = (await site.scrape()).total("fallbacks_total")
    if "while it is held" in kind:
        assert (answer.status, answer.is_complete, answer.get("X-Served-By")) == (200, False, "v2")
    else:
        assert answer.get("X-Served-By") == ("v2" if "translated" in kind else "v1")
        assert answer.is_complete
    assert fallbacks == (answer.get("X-Served-By") == "v1")


@pytest.mark.parametrize("kind", FAILURES)
async def test_a_failed_head_is_answered_by_legacy_without_a_body(tmp_path: Path, kind: str) -> None:
    legacy = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n")
    async with sides(tmp_path, legacy, FAILURES[kind][0], rollout=ON) as site, connected(site.port) as client:
        await client.send(b"HEAD /api/favorites HTTP/1.1\r\nHost: a\r\nX-User: a\r\n\r\n" * 2)
        answers = [await client.answer(to_head=True) for _ in range(2)]
        assert {received.line for received in site.v1.received} == {"HEAD /api/favorites HTTP/1.1"}
    assert [(one.status, one.get("Content-Length")) for one in answers] == [(200, "14")] * 2


@pytest.mark.parametrize("kind", FAILURES)
async def test_an_unsafe_request_is_never_sent_to_both(tmp_path: Path, kind: str) -> None:
    async with sides(tmp_path, answering(LEGACYS), FAILURES[kind][0], rollout=ON) as site:
        answer = await site.ask("POST", body=b"{}")
        assert answer.status >= 500
        assert (len(site.v1.received), len(site.v2.received)) == (0, 1)
        found = await site.scrape()
    assert (found.total("fallbacks_total"), found.total("failures_total", side="successor")) == (0, 1)


@pytest.mark.parametrize("kind", FAILURES)
async def test_without_the_key_nothing_falls_back(tmp_path: Path, kind: str) -> None:
    async with sides(tmp_path, answering(LEGACYS), FAILURES[kind][0]) as site:
        answer = await site.ask()
        assert answer.status >= 500
        assert not site.v1.received


@pytest.mark.parametrize("kind", FAILURES)
async def test_legacys_own_failure_is_the_answer(tmp_path: Path, kind: str) -> None:
    async with sides(tmp_path, FAILURES["a 500"][0], FAILURES[kind][0], rollout=ON) as site:
        answer = await site.ask()
        assert (answer.status, answer.get("X-Served-By")) == (500, "v1")
        assert len(site.v2.received) == len(site.v1.received) == 1
        found = await site.scrape()
    assert found.total("failures_total") == found.total("failures_total", side="successor") == 1
    assert found.total("fallbacks_total") == 1


async def test_a_legacy_that_fails_too_is_told_as_what_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    async with sides(tmp_path, _closing, FAILURES["a 500"][0], rollout=ON) as site:
        answer = await site.ask()
    assert (answer.status, answer.get("X-Served-By")) == (502, None)
    assert _reasons(caplog) == ["fallback: v2 answered 500, then lost"]


async def test_legacy_never_falls_back_to_itself(tmp_path: Path) -> None:
    async with sides(tmp_path, FAILURES["a 500"][0], percent=0, rollout=ON) as site:
        assert (await site.ask()).status == 500
        assert (len(site.v1.received), len(site.v2.received)) == (1, 0)


@pytest.mark.parametrize("status", ["200 OK", "204 None", "304 Same", "404 None", "429 Slow"])
async def test_an_answer_below_500_is_the_answer(tmp_path: Path, status: str) -> None:
    script = answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode(), keep=False)
    async with sides(tmp_path, answering(LEGACYS), script, rollout=ON) as site:
        assert (await site.ask()).status == int(status[:3])
        assert not site.v1.received


async def test_refused_connections_fall_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    async with sides(tmp_path, answering(LEGACYS), rollout=ON, is_dead=True) as site:
        answer = await site.ask()
        assert (answer.status, answer.get("X-Served-By")) == (200, "v1")
        assert (await site.ask("POST", body=b"{}")).status == 502
        found = await site.scrape()
    assert (found.total("fallbacks_total"), found.total("failures_total")) == (1, 2)
    assert _reasons(caplog) == ["fallback: v2 could not be reached", "unreachable"]


async def test_an_overloaded_pool_falls_back_and_blames_nobody(tmp_path: Path) -> None:
    hold = asyncio.Event()

    async def holding(_received: Received, peer: Peer) -> bool:
        await hold.wait()
        await peer.send(OK)
        return True

    change = ("response_timeout: 100ms", "max_connections: 1, connect_timeout: 100ms")
    async with sides(tmp_path, answering(LEGACYS), holding, rollout=ON, change=change) as site:
        async with connected(site.port) as first:
            await first.send(GET)
            await site.v2.connected.wait()
            assert (await site.ask()).get("X-Served-By") == "v1"
            hold.set()
            assert (await first.answer()).get("X-Served-By") == "v2"
        found = await site.scrape()
    assert (found.total("fallbacks_total"), found.total("failures_total")) == (1, 0)


async def test_an_answer_without_any_byte_of_body_is_the_successors(tmp_path: Path) -> None:
    script = answering(CHUNKED % b"200 OK" + b"0\r\n\r\n")
    async with sides(tmp_path, answering(LEGACYS), script, rollout=ON, change=(", adapt: items", "")) as site:
        answer = await site.ask()
    assert (answer.status, answer.body, answer.is_complete) == (200, b"", True)
    assert answer.get("X-Served-By") == "v2"


async def test_events_begin_before_there_are_any(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    change = (", adapt: items", "")
    async with (
        sides(tmp_path, answering(LEGACYS), _then_silent(head), rollout=ON, change=change) as site,
        connected(site.port) as client,
        asyncio.timeout(5),
    ):
        await client.send(GET)
        assert (await client.head())[0] == 200


async def test_a_large_answer_of_the_successor_streams_whole(tmp_path: Path) -> None:
    script = answering(json_answer(HUGE * 4))
    async with sides(tmp_path, answering(LEGACYS), script, rollout=ON, change=(", adapt: items", "")) as site:
        answer = await site.ask()
    assert (answer.body, answer.is_complete, answer.get("X-Served-By")) == (HUGE * 4, True, "v2")


async def test_a_large_answer_of_legacys_streams_whole(tmp_path: Path) -> None:
    legacy = answering(CHUNKED % b"200 OK" + b"493e0\r\n" + HUGE + b"\r\n0\r\n\r\n")
    async with sides(tmp_path, legacy, FAILURES["a huge 500"][0], rollout=ON) as site:
        answer = await site.ask()
    assert (answer.body, answer.is_complete, answer.get("X-Served-By")) == (HUGE, True, "v1")


@pytest.mark.parametrize("kind", ["a 500", "a 500 in parts", "a huge 500", "no answer in time", "no answer"])
async def test_pipelined_requests_are_answered_in_order(tmp_path: Path, kind: str) -> None:
    async def echo(received: Received, peer: Peer) -> bool:
        await peer.send(json_answer(received.line.encode()))
        return True

    async with (
        sides(tmp_path, echo, FAILURES[kind][0], rollout=ON) as site,
        connected(site.port) as client,
    ):
        await client.send(b"".join(GET.replace(b"favorites", b"favorites?n=%d" % n) for n in range(4)))
        bodies = [(await client.answer()).body for _ in range(4)]
    assert bodies == [b"GET /api/favorites?n=%d HTTP/1.1" % n for n in range(4)]


@pytest.mark.parametrize("kind", ["a 500", "a 502 in chunks", "a head alone", "no answer"])
async def test_a_client_of_http_1_0_gets_legacys_answer(tmp_path: Path, kind: str) -> None:
    script = (FAILURES | BODY_FAILURES)[kind][0]
    legacy = answering(CHUNKED % b"200 OK" + b"2\r\nab\r\n0\r\n\r\n")
    async with (
        sides(tmp_path, legacy, script, rollout=ON, change=(", adapt: items", "")) as site,
        connected(site.port) as client,
    ):
        await client.send(b"GET /api/favorites HTTP/1.0\r\nHost: a\r\nX-User: a\r\n\r\n")
        answer = await client.answer()
    assert (answer.status, answer.body, answer.get("X-Served-By")) == (200, b"ab", "v1")


@pytest.mark.parametrize("is_split", [False, True], ids=["at once", "in parts"])
async def test_a_get_with_a_body_takes_it_along(tmp_path: Path, is_split: bool) -> None:
    async with (
        sides(tmp_path, answering(LEGACYS), FAILURES["a 500"][0], rollout=ON) as site,
        connected(site.port) as client,
    ):
        body = b'{"stock_code": "600519"}'
        await client.send(GET[:-2] + b"Content-Length: %d\r\n\r\n" % len(body))
        for part in [body[:5], body[5:]] if is_split else [body]:
            await client.send(part)
        assert (await client.answer()).get("X-Served-By") == "v1"
        assert site.v1.received[0].body == body
        assert site.v2.received[0].body == b'{"symbol":"600519"}'


async def test_a_failure_in_the_midst_of_a_body_passes_the_rest_on(tmp_path: Path) -> None:
    change = (", adapt: items", "")
    async with sides(tmp_path, answering(LEGACYS), rollout=ON, change=change) as site, connected(site.port) as client:
        await client.send(GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await site.v2.connected.wait()
        site.v2.drop()
        assert await soon(lambda: site.v1.connections == 1)
        await client.send(b"2\r\nde\r\n0\r\n\r\n")
        assert (await client.answer()).get("X-Served-By") == "v1"
        assert site.v1.received[0].body == b"abcde"


async def test_a_body_that_is_too_large_to_be_sent_twice_is_not(tmp_path: Path) -> None:
    async with sides(tmp_path, answering(LEGACYS), FAILURES["a 500"][0], rollout=ON) as site:
        assert (await site.ask(body=b"x" * 100_000)).status == 500
        assert not site.v1.received


@pytest.mark.parametrize("side", ["successor", "legacy"])
async def test_a_client_that_leaves_ends_what_was_asked_for_it(tmp_path: Path, side: str) -> None:
    successor = _silent if side == "successor" else FAILURES["a 500"][0]
    change = ("response_timeout: 100ms", "response_timeout: 10s")
    async with sides(tmp_path, _silent, successor, rollout=ON, change=change) as site:
        asked = site.v2 if side == "successor" else site.v1
        async with connected(site.port) as client:
            await client.send(GET)
            assert await soon(lambda: bool(asked.received))
        assert await soon(asked.peers_gone.is_set)
        found = await site.scrape()
        assert found.total("upstream_connections", state="active") == 0
    is_fallen = side == "legacy"
    assert found.total("requests_total", side=side, code="499") == 1
    assert (found.total("fallbacks_total"), found.total("failures_total")) == (is_fallen, is_fallen)


async def test_the_connection_of_a_short_refusal_is_used_again(tmp_path: Path) -> None:
    async with sides(tmp_path, answering(LEGACYS), FAILURES["a 500 in parts"][0], rollout=ON) as site:
        for _ in range(3):
            assert (await site.ask()).get("X-Served-By") == "v1"
            await asyncio.sleep(0.1)
        assert site.v2.connections == 1


@pytest.mark.parametrize("kind", ["a huge 500", "an endless 500"])
async def test_the_connection_of_a_long_refusal_is_cut(tmp_path: Path, kind: str) -> None:
    async with sides(tmp_path, answering(LEGACYS), FAILURES[kind][0], rollout=ON) as site:
        assert (await site.ask()).get("X-Served-By") == "v1"
        assert await soon(site.v2.peers_gone.is_set)
        found = await site.scrape()
    assert found.total("upstream_connections", upstream="v2") == 0


async def test_a_short_refusal_that_does_not_end_is_cut(tmp_path: Path) -> None:
    script = _then_silent(LENGTH % (b"500 Oops", 9) + b"abc")
    change = ("response_timeout: 100ms", "response_timeout: 60s")
    async with sides(tmp_path, answering(LEGACYS), script, rollout=ON, change=change) as site:
        assert (await site.ask()).get("X-Served-By") == "v1"
        assert await soon(site.v2.peers_gone.is_set)


async def test_without_a_fit_endpoint_of_legacys_nothing_falls_back(tmp_path: Path) -> None:
    async with sides(tmp_path, _closing, FAILURES["a 500"][0], rollout=ON) as site:
        statuses = [(await site.ask()).status for _ in range(8)]
        assert len(site.v1.received) == 5
    assert statuses == [502] * 5 + [500] * 3  # after five failures in a row legacy is left alone


async def test_no_more_fall_back_at_once_than_may(tmp_path: Path) -> None:
    hold = asyncio.Event()

    async def holding(_received: Received, peer: Peer) -> bool:
        await hold.wait()
        await peer.send(LEGACYS)
        return True

    rollout = ", fallback: {concurrency: 1}"
    async with sides(tmp_path, holding, FAILURES["a 500"][0], rollout=rollout) as site:
        async with connected(site.port) as first:
            await first.send(GET)
            assert await soon(lambda: bool(site.v1.received))
            assert (await site.ask()).status == 500
            hold.set()
            assert (await first.answer()).status == 200
        assert (await site.ask()).status == 200


async def test_a_client_that_leaves_gives_its_place_back(tmp_path: Path) -> None:
    rollout = ", fallback: {concurrency: 1}"
    async with sides(tmp_path, _silent, FAILURES["a 500"][0], rollout=rollout) as site:
        async with connected(site.port) as first:
            await first.send(GET)
            assert await soon(lambda: bool(site.v1.received))
        assert await soon(site.v1.peers_gone.is_set)
        site.v1.script = answering(LEGACYS)
        assert (await site.ask()).status == 200


async def test_no_greater_share_falls_back_than_the_budget(tmp_path: Path) -> None:
    rollout = ", fallback: {budget: 50}"
    async with sides(tmp_path, answering(LEGACYS), FAILURES["a 500"][0], rollout=rollout) as site:
        statuses = [(await site.ask()).status for _ in range(60)]
    assert 30 <= statuses.count(200) <= 40  # half of them, and a reserve of ten


async def test_whatever_the_successor_does_nobody_sees_an_error(tmp_path: Path) -> None:
    dice = Random(11)
    scripts = [script for script, _ in (*FAILURES.values(), *BODY_FAILURES.values())]
    good = answering(json_answer(b'{"success": true, "data": [{"symbol": "600519"}]}'))

    async def moody(received: Received, peer: Peer) -> bool | None:
        script = good if dice.random() < 0.7 else dice.choice(scripts)
        return await script(received, peer)

    async def work(site: Sides, seen: Counter[tuple[int, str | None]]) -> None:
        async with connected(site.port) as client:
            for _ in range(10):
                await client.send(GET)
                answer = await client.answer()
                assert answer.is_complete
                seen[answer.status, answer.get("X-Served-By")] += 1

    async with sides(tmp_path, answering(LEGACYS), moody, rollout=ON) as site:
        seen = Counter[tuple[int, str | None]]()
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(work(site, seen))
        assert seen.keys() == {(200, "v1"), (200, "v2")}
        found = await site.scrape()
        assert found.total("fallbacks_total") == found.total("failures_total") == seen[200, "v1"]
        assert found.total("upstream_connections", state="active", upstream="v1") == 0
