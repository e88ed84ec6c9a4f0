"""Messages arrive whole and in order however the bytes are cut, and a closed end is noticed."""

import asyncio
import socket

from gateway.server.message import Applied, Ask, Drain, Failed, Message
from gateway.server.pipe import Pipe


class Ends:
    """Two pipes on one socket pair, and what each has received."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, Message]] = []
        self.answers: list[tuple[int, Message]] = []
        self.one = Pipe(lambda number, message: self.answers.append((number, message)))
        self.other = Pipe(lambda number, message: self.heard.append((number, message)))

    async def open(self) -> None:
        one, other = socket.socketpair()
        await self.one.open(one)
        await self.other.open(other)

    async def close(self) -> None:
        await self.one.close()
        await self.other.close()


async def test_messages_arrive_in_order_with_their_numbers() -> None:
    ends = Ends()
    await ends.open()
    ends.one.send(Ask(), 1)
    ends.one.send(Drain())
    ends.other.send(Failed("x" * 300_000), 1)
    await ends.one.close()
    async with asyncio.timeout(5):
        await ends.other.lost
    assert ends.heard == [(1, Ask()), (0, Drain())]
    await ends.close()


async def test_bytes_may_come_one_by_one_or_all_at_once() -> None:
    sent = bytearray()
    ends = Ends()
    one, other = socket.socketpair()
    with other:
        other.setblocking(False)
        await ends.one.open(one)
        for number in range(5):
            ends.one.send(Applied(number), number)
        await ends.one.close()
        while data := await asyncio.get_running_loop().sock_recv(other, 65536):
            sent += data
    expected = [(number, Applied(number)) for number in range(5)]
    for size in (1, 7, len(sent)):
        heard: list[tuple[int, Message]] = []
        pipe = Pipe(lambda number, message, heard=heard: heard.append((number, message)))  # type: ignore[misc]
        for start in range(0, len(sent), size):
            pipe.data_received(bytes(sent[start : start + size]))
        assert heard == expected


async def test_a_message_to_an_end_that_has_gone_is_dropped() -> None:
    ends = Ends()
    await ends.open()
    await ends.other.close()
    async with asyncio.timeout(5):
        await ends.one.lost
    ends.one.send(Ask())
    await ends.one.close()


async def test_an_end_that_does_not_read_is_noticed() -> None:
    one, other = socket.socketpair()
    pipe = Pipe(lambda _number, _message: None)
    await pipe.open(one)
    assert not pipe.is_congested
    for _ in range(5):
        pipe.send(Failed("x" * (1 << 20)))
    assert pipe.is_congested
    async with asyncio.timeout(5):
        await pipe.close()
    other.close()
