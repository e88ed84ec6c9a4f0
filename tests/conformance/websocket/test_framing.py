"""RFC 6455 section 5, clause by clause, on raw sockets."""

import pytest

from tests.support.ws_client import Frame, WebSocketClient, websocket
from tests.support.ws_frame import client_frame

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


async def fails_with(client: WebSocketClient, data: bytes, code: int) -> None:
    """The connection ends with this code, after whatever was good, and TCP is closed."""
    await client.send(data)
    before, found = await client.to_close()
    assert found == code, before
    assert await client.at_end()


# ---------------------------------------------------------------------- 5.1 overview, 5.3 masking


async def test_an_unmasked_frame_of_a_client_fails_the_connection(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(TEXT, b"hello", mask=None), 1002)


async def test_a_server_masks_nothing_and_any_mask_of_the_client_is_taken_off(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        for mask in (bytes(4), b"\xff" * 4, b"\x01\x02\x03\x04", b"\x00\x00\x00\x80"):
            await client.send(client_frame(TEXT, b"hello", mask=mask))
            assert await client.frame() == Frame(True, 0, TEXT, b"hello")


# ---------------------------------------------------------------------- 5.2 base framing


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, PING, CLOSE])
async def test_a_reserved_bit_fails_the_connection(echo_port: int, reserved: int, opcode: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(opcode, b"", reserved=reserved), 1002)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
async def test_a_reserved_opcode_fails_the_connection(echo_port: int, opcode: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(opcode, b"x"), 1002)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65_535, 65_536, 131_072])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_a_payload_of_any_length_is_read_and_its_answer_written_in_the_shortest_way(
    echo_port: int, size: int, opcode: int
) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(opcode, b"*" * size))
        assert await client.frame() == Frame(True, 0, opcode, b"*" * size)


@pytest.mark.parametrize(
    "length",
    [b"\x7e\x00\x05", b"\x7e\x00\x7d", b"\x7f" + bytes(7) + b"\x05", b"\x7f" + bytes(6) + b"\xff\xff"],
    ids=lambda value: value.hex(),
)
async def test_a_length_that_is_not_minimal_fails_the_connection(echo_port: int, length: bytes) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(BINARY, b"", length=length), 1002)


async def test_a_length_with_its_highest_bit_set_fails_the_connection(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(BINARY, b"", length=b"\x7f\x80" + bytes(7)), 1002)


# ---------------------------------------------------------------------- 5.4 fragmentation


async def test_fragments_make_one_message_also_empty_ones(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        for opcode in (TEXT, BINARY):
            await client.send(client_frame(opcode, b"", is_final=False) + client_frame(0, b"a", is_final=False))
            await client.send(client_frame(0, b"", is_final=False) + client_frame(0, b"b"))
            assert await client.frame() == Frame(True, 0, opcode, b"ab")


async def test_control_frames_may_come_between_fragments_and_are_answered_at_once(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(TEXT, b"one", is_final=False) + client_frame(PING, b"now"))
        assert await client.frame() == Frame(True, 0, PONG, b"now")
        await client.send(client_frame(PONG, b"unasked") + client_frame(0, b"two"))
        assert await client.frame() == Frame(True, 0, TEXT, b"onetwo")


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
async def test_a_control_frame_must_not_be_fragmented(echo_port: int, opcode: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(opcode, b"", is_final=False), 1002)


@pytest.mark.parametrize("is_final", [True, False])
async def test_there_must_be_something_to_continue(echo_port: int, is_final: bool) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(0, b"x", is_final=is_final), 1002)


async def test_a_finished_message_cannot_be_continued(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        message = client_frame(TEXT, b"a", is_final=False) + client_frame(0, b"b")
        await client.send(message)
        assert (await client.frame()).payload == b"ab"
        await fails_with(client, client_frame(0, b"c"), 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_fragments_of_two_messages_must_not_be_interleaved(echo_port: int, opcode: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(TEXT, b"a", is_final=False) + client_frame(opcode, b"b"), 1002)


# ---------------------------------------------------------------------- 5.5 control frames


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
async def test_a_control_frame_has_at_most_125_bytes(echo_port: int, opcode: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(opcode, b"\x03\xe8" + b"x" * 124), 1002)


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(range(125)), b"\xfe\xff"])
async def test_a_ping_is_answered_with_its_own_data(echo_port: int, payload: bytes) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(PING, payload))
        assert await client.frame() == Frame(True, 0, PONG, payload)


async def test_pings_are_answered_in_their_order(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(b"".join(client_frame(PING, b"%d" % number) for number in range(20)))
        assert [(await client.frame()).payload for _ in range(20)] == [b"%d" % number for number in range(20)]


async def test_a_pong_that_nobody_asked_for_is_not_answered(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(PONG, b"hello") + client_frame(TEXT, b"next"))
        assert await client.frame() == Frame(True, 0, TEXT, b"next")


# ---------------------------------------------------------------------- 5.6 data frames, 8.1 UTF-8

GOOD_TEXTS = ["", "κόσμε", "\x00", "߿", "ࠀ", "\uffff", "\U00010000", "\U0010ffff", "\ufeff", "日本語 🎉"]
BAD_TEXTS = [
    b"\x80", b"\xbf", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xed\xa0\x80", b"\xed\xaf\xbf", b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80", b"\xc2", b"\xe4\xbd", b"\xf0\x9f\x8e", b"ok\xc3(",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD_TEXTS, ids=ascii)
async def test_good_utf8_comes_through_whole_and_cut_between_any_bytes(echo_port: int, text: str) -> None:
    data = text.encode()
    async with websocket(echo_port) as client:
        await client.send(client_frame(TEXT, data))
        assert await client.frame() == Frame(True, 0, TEXT, data)
        pieces = [client_frame(0 if at else TEXT, data[at : at + 1], is_final=False) for at in range(len(data))]
        await client.send(b"".join(pieces or [client_frame(TEXT, b"", is_final=False)]) + client_frame(0, b""))
        assert await client.frame() == Frame(True, 0, TEXT, data)


@pytest.mark.parametrize("data", BAD_TEXTS, ids=lambda value: value.hex())
async def test_text_that_is_no_utf8_fails_the_connection_whole_or_in_pieces(echo_port: int, data: bytes) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(TEXT, data), 1007)
    async with websocket(echo_port) as client:
        pieces = [client_frame(0 if at else TEXT, data[at : at + 1], is_final=False) for at in range(len(data))]
        await fails_with(client, b"".join(pieces) + client_frame(0, b""), 1007)


async def test_bad_utf8_fails_the_connection_before_its_message_is_complete(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(TEXT, b"good \xff never" + b"x" * 1000)[:20], 1007)


async def test_binary_messages_are_any_bytes(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(BINARY, bytes(range(256))))
        assert await client.frame() == Frame(True, 0, BINARY, bytes(range(256)))


# ---------------------------------------------------------------------- 7.4.1, 10.4: too big


async def test_a_message_that_is_too_big_is_refused_when_its_length_is_known(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await fails_with(client, client_frame(BINARY, b"", length=b"\x7f" + (1 << 40).to_bytes(8)), 1009)


async def test_two_messages_in_one_piece_and_one_in_two_are_read_alike(echo_port: int) -> None:
    async with websocket(echo_port) as client:
        await client.send(client_frame(TEXT, b"a") + client_frame(TEXT, b"b")[:4])
        await client.send(client_frame(TEXT, b"b")[4:])
        assert [(await client.frame()).payload for _ in range(2)] == [b"a", b"b"]
