"""RFC 6455 section 7, clause by clause, on raw sockets."""

import pytest

from tests.support.ws_client import connection, websocket
from tests.support.ws_frame import client_frame, close_payload

TEXT, CLOSE, PING = 1, 8, 9


async def test_a_close_is_answered_with_its_own_code_and_the_server_closes_tcp_first(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        assert await client.bye(1000) == 1000
        assert await client.at_end()


async def test_a_close_without_a_code_is_answered_without_one(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(CLOSE))
        found = await client.frame()
        assert (found.opcode, found.payload) == (CLOSE, b"")
        assert await client.at_end()


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
)
async def test_a_code_that_may_be_sent_is_taken(echo_port: int, code: int) -> None:
    async with websocket(echo_port) as client:
        assert await client.bye(code) == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
async def test_a_code_that_must_not_be_sent_fails_the_connection(echo_port: int, code: int) -> None:
    async with websocket(echo_port) as client:
        assert await client.bye(code) == 1002


async def test_a_close_of_one_byte_fails_the_connection(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(CLOSE, b"\x03"))
        assert (await client.to_close())[1] == 1002


async def test_a_reason_is_utf8_of_up_to_123_bytes(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(CLOSE, close_payload(1000, "ж".encode() * 61 + b"!")))
        assert (await client.to_close())[1] == 1000
    async with websocket(echo_port) as client:
        await client.send(client_frame(CLOSE, close_payload(1000, b"\xff")))
        assert (await client.to_close())[1] == 1007


async def test_nothing_is_answered_after_a_close(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(CLOSE, close_payload(1000)) + client_frame(TEXT, b"late") + client_frame(PING))
        before, code = await client.to_close()
        assert (before, code) == ([], 1000)
        assert await client.at_end()


async def test_a_close_inside_of_a_fragmented_message_ends_it(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(TEXT, b"begun", is_final=False) + client_frame(CLOSE, close_payload(1001)))
        assert await client.to_close() == ([], 1001)


async def test_what_came_before_a_close_is_answered_first(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(TEXT, b"a") + client_frame(PING, b"b") + client_frame(CLOSE))
        before, _ = await client.to_close()
        assert [(found.opcode, found.payload) for found in before] == [(1, b"a"), (10, b"b")]


async def test_a_failed_connection_is_closed_though_the_client_goes_on_sending(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(TEXT, b"x", reserved=4))
        for _ in range(50):
            await client.send(client_frame(TEXT, b"y" * 1000))
        before, code = await client.to_close()
        assert (before, code) == ([], 1002)
        assert await client.at_end()


async def test_a_client_that_just_leaves_takes_nobody_with_it(echo_port: int) -> None:
    async with websocket(echo_port) as stays:
        for cut in (0, 1, 3, 6, 8):
            async with websocket(echo_port) as client:
                await client.send(client_frame(TEXT, b"hello")[:cut])
        await stays.send(client_frame(TEXT, b"still here"))
        assert (await stays.frame()).payload == b"still here"


async def test_a_client_that_closes_its_side_only_is_closed(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        client.end()
        assert await client.at_end()


async def test_frames_sent_ahead_of_the_answer_to_the_handshake_are_read(echo_port: int) -> None:
    async with connection(echo_port) as client:
        assert await client.open(ahead=client_frame(TEXT, b"early")) == 101
        assert (await client.frame()).payload == b"early"
