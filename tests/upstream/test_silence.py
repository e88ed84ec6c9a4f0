"""How long a connection waits for whom, and how it ends before its answer does."""

import asyncio
from time import monotonic
from typing import Any

import pytest

from gateway.upstream.cluster import Cluster
from gateway.upstream.connection import NEVER, Connection
from gateway.upstream.fault import UpstreamFault
from gateway.wire.line import LineMemo
from tests.upstream.asker import Asker, answered, holding
from tests.upstream.backend import OK, Link, backend, cluster, saying, silent, until
from tests.upstream.test_split import Nest, Wire

LATER = 31.0
"""Seconds after which the default response time-out has passed."""
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"


def _expire(found: Cluster) -> None:
    found.sweep(monotonic() + LATER)


async def test_a_silent_backend_is_timed_out() -> None:
    async with backend(silent) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask()
        found.sweep(monotonic())
        assert not asker.done.is_set()
        _expire(found)
        assert asker.fault is UpstreamFault.TIMEOUT
        await until(lambda: not found.size)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 2", HEAD + b"\r\nhi", b"HTTP/1.1 102 Wait\r\n\r\n", CHUNKED + b"2\r\nhi"]
)
async def test_a_backend_that_falls_silent_is_timed_out(answer: bytes) -> None:
    async with backend(saying(answer)) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask()
        await until(lambda: bool(asker.held._buffer or asker.body or asker.interim))
        _expire(found)
        assert asker.fault is UpstreamFault.TIMEOUT


async def test_each_part_of_an_answer_restarts_the_clock() -> None:
    async with backend(saying(HEAD + b"Content-Length: 9\r\n\r\nhi")) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(now=monotonic() - 29)
        assert asker.held.deadline < monotonic() + 2
        await until(lambda: bool(asker.body))
        assert asker.held.deadline > monotonic() + 20
        asker.held.abandon(asker)


async def test_a_head_in_drips_does_not_restart_the_clock() -> None:
    async with backend(saying(b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 2")) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(now=monotonic() - 29)
        await until(lambda: bool(asker.interim))
        assert asker.held.deadline < monotonic() + 2
        asker.held.abandon(asker)


async def test_a_slow_client_is_not_its_backends_fault() -> None:
    async with backend(silent) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(POST + b"ab", is_complete=False)
        _expire(found)
        asker.held.send(b"cd", is_last=False)
        _expire(found)
        assert not asker.done.is_set()
        asker.held.send(b"ef", is_last=True)
        _expire(found)
        assert asker.fault is UpstreamFault.TIMEOUT


async def test_a_backend_that_does_not_agree_to_a_body_is_timed_out() -> None:
    async with backend(silent) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(POST, is_complete=False, is_expecting=True)
        _expire(found)
        assert asker.fault is UpstreamFault.TIMEOUT


async def test_a_backend_that_reads_no_more_is_timed_out() -> None:
    async def serve(link: Link) -> None:
        await link.head()
        await over.wait()

    over = asyncio.Event()
    async with backend(serve, limit=1024) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(POST, is_complete=False)
        asker.held.send(b"x" * (16 << 20), is_last=False)
        assert asker.is_blocked
        _expire(found)
        assert asker.fault is UpstreamFault.TIMEOUT
        over.set()


async def test_a_paused_answer_waits_for_its_client() -> None:
    size = 4 << 20
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * size
    async with backend(saying(answer)) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask()
        await until(lambda: bool(asker.body))
        asker.held.pause(asker)
        _expire(found)
        got = len(asker.body)
        await asyncio.sleep(0.02)
        assert len(asker.body) == got < size
        asker.held.resume(asker)
        assert asker.held.deadline < NEVER
        await asker.finished()
        assert (len(asker.body), found.idle) == (size, 1)


async def test_events_may_be_as_rare_as_they_are() -> None:
    events = HEAD + b"Content-Type: text/event-stream\r\n\r\ndata: 1\n\n"
    async with backend(saying(events)) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask()
        await until(lambda: bool(asker.body))
        _expire(found)
        assert not asker.done.is_set()
        asker.held.abandon(asker)


async def test_an_idle_connection_is_closed_after_a_minute() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        await answered(found)
        found.sweep(monotonic() + 59)
        assert found.idle == 1
        found.sweep(monotonic() + 61)
        assert found.idle == 0
        await until(lambda: not v1.links)


# ---------------------------------------------------------------------- leaving and tunnels


async def test_an_abandoned_exchange_hears_nothing_more() -> None:
    async with backend(saying(HEAD + b"Content-Length: 9\r\n\r\nhi")) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask()
        await until(lambda: bool(asker.body))
        asker.held.abandon(asker)
        await until(lambda: not found.size and not v1.links)
        assert asker.ends == 0


async def test_who_is_done_can_neither_pause_nor_abandon_the_next_one() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        old = await answered(found)
        asker = await holding(found)
        asker.ask()
        assert asker.connection is old.connection
        old.held.pause(old)
        old.held.abandon(old)
        await asker.finished()
        assert asker.body == b"hi"


async def test_a_tunnel_carries_bytes_both_ways_for_as_long_as_it_likes() -> None:
    async def serve(link: Link) -> None:
        await link.head()
        await link.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nwelcome")
        assert await link.reader.readexactly(4) == b"ping"
        await link.send(b"pong")
        assert await link.reader.readexactly(3) == b"bye"

    async with backend(serve) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(may_switch=True)
        await until(lambda: asker.is_switched)
        asker.held.send(b"ping", is_last=False)
        asker.held.pause(asker)
        asker.held.resume(asker)
        await until(lambda: asker.body == b"welcomepong")
        _expire(found)
        asker.held.send(b"bye", is_last=False)
        await asker.finished()
        assert (asker.fault, asker.status) == (None, 101)
        await until(lambda: not found.size)


async def test_a_closed_connection_refuses_to_ask() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.held.close()
        await until(lambda: not found.size)
        with pytest.raises(RuntimeError, match="closed"):
            asker.ask()


def test_a_backend_that_does_not_take_the_first_bytes_of_a_body_is_timed_out() -> None:
    connection = Connection(Nest(), LineMemo(), 30)
    wire = Narrow(connection)
    connection.connection_made(wire)
    connection.ask_specially(Asker(), POST + b"abc", 100.0, is_complete=False)
    assert connection.deadline < NEVER
    connection.resume_writing()
    assert connection.deadline == NEVER


class Narrow(Wire):
    """Is full after the first write."""

    def __init__(self, owner: Connection) -> None:
        super().__init__()
        self.owner = owner

    def write(self, data: Any) -> None:
        """Block."""
        self.owner.pause_writing()
