"""What waits to be written."""

import asyncio

from backends.v2.ws.frame import Push, Topic
from backends.v2.ws.outbox import Outbox

MAOTAI = Topic("quotes", "600519")
PING_AN = Topic("quotes", "000001")


async def test_frames_keep_their_order() -> None:
    outbox = Outbox()
    outbox.put(b"1")
    outbox.push(Push(Topic("analysis", "t"), b"2"))
    assert [await outbox.take() for _ in range(2)] == [b"1", b"2"]


async def test_of_each_quote_only_the_newest_waits() -> None:
    outbox = Outbox(capacity=1)
    for topic, body in ((MAOTAI, b"old"), (PING_AN, b"other"), (MAOTAI, b"new")):
        assert outbox.push(Push(topic, body))
    assert [await outbox.take() for _ in range(2)] == [b"new", b"other"]


async def test_what_must_not_be_lost_is_refused_when_full() -> None:
    outbox = Outbox(capacity=1)
    assert outbox.put(b"1")
    assert not outbox.put(b"2")
    assert not outbox.push(Push(Topic("notifications", "bob"), b"3"))
    assert await outbox.take() == b"1"
    assert outbox.put(b"4")


async def test_a_quote_nobody_wants_any_more_is_forgotten() -> None:
    outbox = Outbox()
    outbox.push(Push(MAOTAI, b"1"))
    outbox.forget(MAOTAI)
    outbox.put(b"2")
    assert await outbox.take() == b"2"


async def test_taking_waits_until_there_is_something() -> None:
    outbox = Outbox()
    asyncio.get_running_loop().call_soon(outbox.put, b"1")
    assert await outbox.take() == b"1"
