"""Whatever comes, however it is cut: answered in order or closed with a code, never a hang and never a crash."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.ws_client import websocket
from tests.support.ws_frame import client_frame, close_payload

BOUNDED = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
END = client_frame(8, close_payload(1000))

messages = st.one_of(
    st.builds(lambda text: (client_frame(1, text.encode()), [(1, text.encode())]), st.text(max_size=80)),
    st.builds(lambda data: (client_frame(2, data), [(2, data)]), st.binary(max_size=300)),
    st.builds(lambda data: (client_frame(9, data), [(10, data)]), st.binary(max_size=125)),
    st.builds(lambda data: (client_frame(10, data), []), st.binary(max_size=125)),
    st.builds(
        lambda head, ping, tail: (
            client_frame(2, head, is_final=False) + client_frame(9, ping) + client_frame(0, tail),
            [(10, ping), (2, head + tail)],
        ),
        st.binary(max_size=20),
        st.binary(max_size=5),
        st.binary(max_size=20),
    ),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as found:
        yield found


@BOUNDED
@given(st.lists(messages, max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_good_messages_are_answered_in_their_order_however_they_are_cut(
    echo_port: int, runner: asyncio.Runner, sent: list[tuple[bytes, list[tuple[int, bytes]]]], cuts: list[int]
) -> None:
    data = b"".join(frames for frames, _ in sent) + END
    expected = [answer for _, answers in sent for answer in answers]

    async def play() -> None:
        async with websocket(echo_port) as client:
            for piece in _cut(data, cuts):
                await client.send(piece)
            before, code = await client.to_close()
            assert [(found.opcode, found.payload) for found in before] == expected
            assert code == 1000
            assert await client.at_end()

    runner.run(play())


@BOUNDED
@given(st.binary(max_size=200), st.lists(messages, max_size=2), st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_noise_after_good_messages_ends_with_a_code_of_the_rfc(
    echo_port: int,
    runner: asyncio.Runner,
    noise: bytes,
    sent: list[tuple[bytes, list[tuple[int, bytes]]]],
    cuts: list[int],
) -> None:
    # An unmasked frame last: whatever the noise was taken for, the connection must end now or wait for a payload.
    data = b"".join(frames for frames, _ in sent) + noise + bytes.fromhex("8100") * 200

    async def play() -> None:
        async with websocket(echo_port) as client:
            for piece in _cut(data, cuts):
                await client.send(piece)
            client.end()
            _, code = await client.to_close()
            assert code in {None, 1002, 1007, 1009, *range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
            assert await client.at_end()

    runner.run(play())


def _cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut it, at sizes that come round again; the rest in one piece, so that no example takes long."""
    at = 0
    for size in sizes:
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size
    if at < len(data):
        yield data[at:]
