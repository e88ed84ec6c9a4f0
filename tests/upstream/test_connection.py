"""One connection, over real sockets: what it takes for an answer, and when it may serve another request."""

import asyncio
import socket
import struct

import pytest

from gateway.upstream.connection import MAX_INTERIM
from gateway.upstream.fault import UpstreamFault
from gateway.wire.answer import MAX_HEAD_BYTES
from tests.upstream.asker import GET, answered, holding
from tests.upstream.backend import OK, Link, backend, cluster, saying, until

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def _reset(link: Link) -> None:
    """End with a reset in place of an orderly close."""
    found = link.writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.writer.transport.abort()


# ---------------------------------------------------------------------- whole answers

WHOLE = {
    "length": (GET, OK, 200, b"hi", True),
    "nothing": (GET, HEAD + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    "chunks": (GET, CHUNKED + b"2\r\nhi\r\n3;a=b\r\n yo\r\n0\r\nX-Trailer: 1\r\n\r\n", 200, b"hi yo", True),
    "no chunks": (GET, CHUNKED + b"0\r\n\r\n", 200, b"", True),
    "to HEAD": (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", HEAD + b"Content-Length: 9\r\n\r\n", 200, b"", True),
    "to HEAD, chunked": (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", CHUNKED, 200, b"", True),
    "to HEAD, no length": (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", HEAD + b"\r\n", 200, b"", True),
    "204": (GET, b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "304": (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b"", True),
    "interim first": (GET, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, 200, b"hi", True),
    "1.0, kept": (GET, b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    "1.0": (GET, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    "last": (GET, HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    "204 with a length": (GET, b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", 204, b"", False),
    "204 in chunks": (GET, b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, b"", False),
    "too much, length": (GET, OK + b"HTTP/1.1 200 OK\r\n", 200, b"hi", False),
    "too much, chunks": (GET, CHUNKED + b"2\r\nhi\r\n0\r\n\r\nx", 200, b"hi", False),
    "too much, 204": (GET, b"HTTP/1.1 204 No Content\r\n\r\nx", 204, b"", False),
    "too much, HEAD": (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", OK, 200, b"", False),
    "too much, two answers": (GET, OK + OK, 200, b"hi", False),
}


@pytest.mark.parametrize(("request_bytes", "answer", "status", "body", "is_kept"), WHOLE.values(), ids=WHOLE)
async def test_an_answer_is_taken_whole_and_its_connection_kept_only_if_nothing_is_odd(
    request_bytes: bytes, answer: bytes, status: int, body: bytes, is_kept: bool
) -> None:
    async with backend(saying(answer)) as v1, cluster(v1.origin) as found:
        asker = await answered(found, request_bytes)
        assert (asker.fault, asker.status, asker.body) == (None, status, body)
        assert found.idle == is_kept
        await until(lambda: found.size == is_kept)
        await until(lambda: len(v1.links) == is_kept)


async def test_bytes_after_the_answer_of_an_idle_connection_end_it() -> None:
    later = asyncio.Event()

    async def serve(link: Link) -> None:
        await link.head()
        await link.send(OK)
        await later.wait()
        await link.send(OK)
        await link.gone()

    async with backend(serve) as v1, cluster(v1.origin) as found:
        await answered(found)
        assert found.idle == 1
        later.set()
        await until(lambda: not found.size)
        assert found.take() is None


async def test_an_answer_until_the_close_is_whole_when_the_close_is_in_order() -> None:
    async with backend(saying(HEAD + b"\r\nhi", closes=True)) as v1, cluster(v1.origin) as found:
        asker = await answered(found)
        assert (asker.fault, asker.body) == (None, b"hi")
        await until(lambda: not found.size)


async def test_interim_answers_are_told_one_by_one() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    async with backend(saying(b"HTTP/1.1 100 Continue\r\n\r\n" + hints + OK)) as v1, cluster(v1.origin) as found:
        assert (await answered(found)).interim == [100, 103]


async def test_a_kept_connection_asks_again_and_again() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        for _ in range(20):
            assert (await answered(found)).body == b"hi"
        assert v1.opened == 1


async def test_small_packets_are_sent_at_once() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        transport = asker.held._transport
        assert transport is not None
        tcp = transport.get_extra_info("socket")
        assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        asker.held.abandon(asker)
        asker.held.close()


# ---------------------------------------------------------------------- broken answers

BROKEN = {
    "no HTTP": b"hello\r\n\r\n",
    "no HTTP, no end": b"\x15\x03\x01\x00\x02\x02\x28",
    "0.9": b"<html></html>",
    "2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
    "a control byte": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n",
    "a fold": HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "a list of lengths": HEAD + b"Content-Length: 2, 2\r\n\r\nhi",
    "a negative length": HEAD + b"Content-Length: -2\r\n\r\nhi",
    "both framings": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "gzip": HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    "no chunk": CHUNKED + b"x\r\n",
    "a chunk too long": CHUNKED + b"2\r\nhixx\r\n0\r\n\r\n",
    "switched unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "interim only": b"HTTP/1.1 102 Processing\r\n\r\n" * (MAX_INTERIM + 1),
    "a head too large": HEAD + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",
    "a head without end": HEAD + b"X: " + b"a" * (MAX_HEAD_BYTES + 10),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_a_broken_answer_is_invalid_and_ends_the_connection(answer: bytes) -> None:
    async with backend(saying(answer)) as v1, cluster(v1.origin) as found:
        asker = await answered(found)
        assert asker.fault is UpstreamFault.INVALID
        await until(lambda: not found.size and not v1.links)


TRUNCATED = {
    "head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "before the body": HEAD + b"Content-Length: 2\r\n\r\n",
    "body": HEAD + b"Content-Length: 2\r\n\r\nh",
    "large body": HEAD + b"Content-Length: 300001\r\n\r\n" + b"x" * 300_000,
    "chunk": CHUNKED + b"5\r\nhi",
    "between chunks": CHUNKED + b"2\r\nhi\r\n",
    "last chunk": CHUNKED + b"2\r\nhi\r\n0\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("answer", TRUNCATED.values(), ids=TRUNCATED)
async def test_a_truncated_answer_is_invalid(answer: bytes) -> None:
    async with backend(saying(answer, closes=True)) as v1, cluster(v1.origin) as found:
        asker = await answered(found)
        assert asker.fault is UpstreamFault.INVALID
        await until(lambda: not found.size)


@pytest.mark.parametrize("answer", [HEAD + b"\r\n", HEAD + b"\r\nhi", HEAD + b"Content-Length: 9\r\n\r\nhi"])
async def test_a_reset_never_completes_an_answer(answer: bytes) -> None:
    heard = asyncio.Event()

    async def serve(link: Link) -> None:
        await link.head()
        await link.send(answer)
        await heard.wait()
        _reset(link)

    async with backend(serve) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask()
        await until(lambda: asker.head is not None)
        heard.set()
        await asker.finished()
        assert asker.fault is UpstreamFault.INVALID


async def test_our_own_cut_never_completes_an_answer() -> None:
    async with backend(saying(HEAD + b"\r\nhi")) as v1:
        async with cluster(v1.origin) as found:
            asker = await holding(found)
            asker.ask()
            await until(lambda: asker.body == b"hi")
        await asker.finished()
    assert asker.fault is UpstreamFault.INVALID


async def test_a_connection_closed_without_a_byte_is_lost() -> None:
    async with backend(saying(b"", closes=True)) as v1, cluster(v1.origin) as found:
        asker = await answered(found)
        assert asker.fault is UpstreamFault.LOST
        assert (asker.held.is_fresh, asker.held.was_stale) == (True, False)


async def test_a_kept_connection_that_its_backend_has_given_up_is_lost_and_stale() -> None:
    seen = 0

    async def serve(link: Link) -> None:
        nonlocal seen
        await link.head()
        await link.send(OK)
        await link.head()
        seen += 1

    async with backend(serve) as v1, cluster(v1.origin) as found:
        await answered(found)
        asker = await answered(found)
        assert asker.fault is UpstreamFault.LOST
        assert (asker.held.is_fresh, asker.held.was_stale) == (False, True)
    assert seen == 1


async def test_an_idle_connection_that_its_backend_closes_is_forgotten() -> None:
    async def once(link: Link) -> None:
        await link.head()
        await link.send(OK)

    async with backend(once) as v1, cluster(v1.origin) as found:
        await answered(found)
        await until(lambda: not found.size)
        assert found.take() is None
        assert (await answered(found)).body == b"hi"


# ---------------------------------------------------------------------- bodies of requests

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"


async def test_a_body_is_sent_in_parts() -> None:
    async def serve(link: Link) -> None:
        await link.head()
        assert await link.reader.readexactly(6) == b"abcdef"
        await link.send(OK)
        await link.gone()

    async with backend(serve) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(POST + b"ab", is_complete=False)
        asker.held.send(b"cd", is_last=False)
        asker.held.send(b"ef", is_last=False)
        asker.held.send(b"", is_last=True)
        await asker.finished()
        assert (asker.body, found.idle) == (b"hi", 1)


async def test_an_answer_before_the_request_is_complete_stands_but_ends_the_connection() -> None:
    async with backend(saying(OK)) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(POST + b"ab", is_complete=False)
        await asker.finished()
        assert (asker.status, asker.body, found.idle) == (200, b"hi", 0)
        await until(lambda: not found.size)


async def test_an_early_answer_to_a_body_that_nobody_reads_leaves_no_connection_behind() -> None:
    over = asyncio.Event()

    async def serve(link: Link) -> None:
        await link.head()
        await link.send(OK)
        await over.wait()

    async with backend(serve, limit=1024) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(POST + b"x" * (8 << 20))
        assert asker.is_blocked
        await asker.finished()
        assert (asker.status, found.idle) == (200, 0)
        await until(lambda: not found.size)
        over.set()


async def test_a_backend_that_reads_slowly_blocks_and_unblocks() -> None:
    async def serve(link: Link) -> None:
        await link.head()
        await link.reader.readexactly(8 << 20)
        await link.send(OK)
        await link.gone()

    async with backend(serve, limit=1024) as v1, cluster(v1.origin) as found:
        asker = await holding(found)
        asker.ask(POST + b"x" * (8 << 20))
        assert asker.is_blocked
        await asker.finished()
        assert (asker.is_blocked, asker.status, found.idle) == (False, 200, 1)
