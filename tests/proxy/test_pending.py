"""Requests that wait for somebody else's answer, with their bodies, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.config.compile import compile_snapshot
from gateway.config.load import load
from gateway.core.cell import Cell
from gateway.core.clock import SystemClock
from gateway.downstream.handoff import Handoff
from gateway.downstream.listener import Listener
from gateway.observability.access_log import AccessLog
from gateway.observability.metrics import Metrics
from gateway.policy.auth import TokenCache
from gateway.policy.decide import Memory
from gateway.policy.decision import Need, NeedCount
from gateway.policy.quota import Charge, QuotaTable, Verdict
from gateway.policy.route import Places
from gateway.proxy.from_hub import FromHub
from gateway.proxy.local import LocalPaths
from gateway.proxy.pending import HELD_BYTES, Cancel
from gateway.proxy.service import Proxy
from gateway.proxy.shared import Shared
from gateway.proxy.tally import Tally
from gateway.upstream.fleet import Fleet
from tests.support.client import RawClient, connected
from tests.support.gateway import LISTEN
from tests.support.no_sockets import NoSockets
from tests.support.soon import soon
from tests.support.upstream import ScriptedUpstream

BURST = """
upstreams:
  v1: {endpoints: [ORIGIN]}
  v2: {endpoints: [ORIGIN]}
quotas:
  burst: {quota: 1, window: 1h}
routes:
  - {name: everything, match: "/api/{rest*}", upstream: v1, auth: none, quotas: [burst]}
"""
TRANSLATED = """
adapters:
  add: {request: {body: "{symbol: stock_code}"}}
migrations:
  watchlist:
    legacy: v1
    successor: v2
    auth: none
    quotas: [burst]
    endpoints: [{legacy: POST /api/favorites, successor: POST /api/v2/watchlist, adapt: add}]
    rollout: {percent: 100, by: [ip]}
"""
POST = b"POST /api/x HTTP/1.1\r\nHost: api.test\r\n"
GET = b"GET /api/x HTTP/1.1\r\nHost: api.test\r\n\r\n"


class Asking:
    """Counts nothing itself."""

    def grant(self, charges: Sequence[Charge], now: float) -> None:
        pass

    def count(self, charges: Sequence[Charge], now: float) -> Verdict | None:
        return None

    def observe(self, charges: Sequence[Charge], now: float) -> None:
        pass


class Desk:
    """Counts when the test says so, as a Redis would. Knows who has asked and who has left."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []
        self.left = 0
        self._table = QuotaTable()

    def ask(self, need: Need, memory: Memory, answered: Callable[[Memory], None]) -> Cancel:
        assert isinstance(need, NeedCount)
        self.asked.append(lambda: answered(replace(memory, quotas=self._table)))
        return self._leave

    def _leave(self) -> None:
        self.left += 1

    async def answer(self) -> None:
        """Answer the one that asks next."""
        assert await soon(lambda: bool(self.asked))
        self.asked.pop(0)()


class Rig:
    """A public listener over one backend, whose every request needs a count."""

    def __init__(self, shared: Shared, listener: Listener, desk: Desk, backend: ScriptedUpstream) -> None:
        self.shared = shared
        self.listener = listener
        self.desk = desk
        self.backend = backend

    is_draining = False


class NoHub:
    """No rule here mentions the hub."""

    def open(self, *_: Any) -> Any:
        raise AssertionError("there are no streams")

    def answer(self, *_: Any) -> Any:
        raise AssertionError("nothing is relieved")


@asynccontextmanager
async def rig(folder: Path, text: str = BURST) -> AsyncIterator[Rig]:
    async with ScriptedUpstream() as backend:
        path = folder / "gateway.yaml"
        path.write_text(LISTEN + text.replace("ORIGIN", backend.origin))
        config = load(path).config
        cell, clock, fleet, desk = Cell(compile_snapshot(config)), SystemClock(), Fleet(SystemClock()), Desk()
        shared = Shared(
            cell,
            Memory(TokenCache(), Asking(), Places()),
            fleet,
            Metrics(),
            AccessLog(),
            clock,
            Tally(cell.value, 100, b""),
        )
        handoff = Handoff(LocalPaths(cell, clock, Rig, NoSockets()))
        from_hub = FromHub(shared, NoHub(), NoHub())
        listener = Listener(Proxy(shared, handoff, NoSockets(), from_hub, clock, desk), config.server.limits)
        fleet.apply(config.upstreams)
        await listener.start("127.0.0.1", 0, None)
        try:
            yield Rig(shared, listener, desk, backend)
        finally:
            await listener.close()
            await fleet.close()


async def _refused(client: RawClient) -> bool:
    return (await client.answer()).status == 429


async def test_who_waits_across_a_reload_passes_no_identity_of_its_own_making(tmp_path: Path) -> None:
    async with rig(tmp_path) as found, connected(found.listener.port) as client:
        await client.send(GET.replace(b"\r\n\r\n", b"\r\nX-Caller-Tier: gold\r\nX-Kept: 1\r\n\r\n"))
        assert await soon(lambda: len(found.desk.asked) == 1)
        rules = found.shared.snapshot.value
        found.shared.apply(replace(rules, auth=replace(rules.auth, forward={"tier": "X-Caller-Tier"})))
        await found.desk.answer()
        assert (await client.answer()).status == 200
    fields = found.backend.received[0].fields
    assert "x-caller-tier" not in fields
    assert fields["x-kept"] == ["1"]


async def test_a_request_waits_for_the_answer_and_is_then_forwarded(tmp_path: Path) -> None:
    async with rig(tmp_path) as found, connected(found.listener.port) as client:
        await client.send(GET)
        assert await soon(lambda: len(found.desk.asked) == 1)
        assert not found.backend.received
        await found.desk.answer()
        answer = await client.answer()
    assert answer.status == 200
    assert answer.get("RateLimit") == '"burst";r=0;t=3600'
    assert found.shared.open == found.desk.left == 0


async def test_a_request_that_is_refused_after_waiting_is_counted_as_refused(tmp_path: Path) -> None:
    async with rig(tmp_path) as found, connected(found.listener.port) as client:
        for expected in (200, 429):
            await client.send(GET)
            await found.desk.answer()
            assert (await client.answer()).status == expected
    assert found.shared.metrics.quota_exceeded == {("burst",): 1}
    assert found.shared.open == 0


async def test_others_go_on_while_one_waits(tmp_path: Path) -> None:
    async with rig(tmp_path) as found, connected(found.listener.port) as one, connected(found.listener.port) as other:
        await one.send(GET)
        assert await soon(lambda: len(found.desk.asked) == 1)
        await other.send(GET)
        assert await soon(lambda: len(found.desk.asked) == 2)
        found.desk.asked.pop()()
        assert (await other.answer()).status == 200
        await found.desk.answer()
        assert await _refused(one)


async def test_pipelined_requests_wait_for_their_turn(tmp_path: Path) -> None:
    async with rig(tmp_path) as found, connected(found.listener.port) as client:
        await client.send(GET + GET)
        await found.desk.answer()
        assert (await client.answer()).status == 200
        await found.desk.answer()
        assert await _refused(client)


async def test_a_body_that_comes_meanwhile_is_forwarded_whole(tmp_path: Path) -> None:
    async with rig(tmp_path) as found, connected(found.listener.port) as client:
        await client.send(POST + b"Content-Length: 9\r\n\r\nabc")
        assert await soon(lambda: len(found.desk.asked) == 1)
        await client.send(b"def")
        await asyncio.sleep(0)
        await found.desk.answer()
        await client.send(b"ghi")
        assert (await client.answer()).status == 200
    assert found.backend.received[0].body == b"abcdefghi"


async def test_a_large_body_is_held_in_part_only_and_arrives_whole(tmp_path: Path) -> None:
    body = bytes(range(256)) * 16_384
    async with rig(tmp_path) as found, connected(found.listener.port) as client:

        async def answer_late() -> None:
            assert await soon(lambda: len(found.desk.asked) == 1)
            waiting = next(iter(found.listener._connections))._exchange
            assert await soon(lambda: waiting.held_bytes > HELD_BYTES)
            await asyncio.sleep(0.1)
            assert waiting.held_bytes < 8 * HELD_BYTES
            await found.desk.answer()

        await asyncio.gather(client.send(POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body), answer_late())
        assert (await client.answer()).status == 200
    assert found.backend.received[0].body == body


async def test_a_body_that_must_be_translated_may_come_before_and_after_the_answer(tmp_path: Path) -> None:
    async with rig(tmp_path, BURST + TRANSLATED) as found, connected(found.listener.port) as client:
        head = POST.replace(b"/api/x", b"/api/favorites") + b"Content-Length: 200042\r\n\r\n"
        await client.send(head + b'{"stock_code":"' + b"7" * 100_000)
        await found.desk.answer()
        await client.send(b"7" * 100_025 + b'"}')
        assert (await client.answer()).status == 200
    assert found.backend.received[0].body == b'{"symbol":"' + b"7" * 200_025 + b'"}'


async def test_a_client_that_leaves_is_forgotten(tmp_path: Path) -> None:
    async with rig(tmp_path) as found:
        async with connected(found.listener.port) as client:
            await client.send(GET)
            assert await soon(lambda: len(found.desk.asked) == 1)
        assert await soon(lambda: found.shared.open == 0)
        assert found.desk.left == 1
        await found.desk.answer()
    assert not found.backend.received
    assert found.shared.metrics.requests == {("everything", "* /api/{rest*}", "", 499): 1}


async def test_a_body_that_turns_out_to_be_malformed_is_refused_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as found, connected(found.listener.port) as client:
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        assert await soon(lambda: len(found.desk.asked) == 1)
        await client.send(b"zz\r\n")
        answer = await client.answer()
        assert answer.status == 400
        assert answer.get("Connection") == "close"
        await found.desk.answer()
    assert not found.backend.received
    assert (found.shared.open, found.desk.left) == (0, 1)


async def test_a_page_can_read_why_its_request_was_refused_while_it_waited(tmp_path: Path) -> None:
    text = f"  cors: {{origins: [https://app.test]}}\n{BURST}"
    async with rig(tmp_path, text) as found, connected(found.listener.port) as client:
        await client.send(POST + b"Origin: https://app.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        assert await soon(lambda: len(found.desk.asked) == 1)
        await client.send(b"no chunk\r\n")
        answer = await client.answer()
    assert (answer.status, answer.get("Access-Control-Allow-Origin")) == (400, "https://app.test")
