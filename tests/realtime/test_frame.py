"""Frames as we send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime.frame import Opcode, close, encode, text, unmask


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_length_is_written_in_the_shortest_way_and_without_a_mask(size: int, head: bytes) -> None:
    assert text(b"x" * size) == head + b"x" * size


def test_the_examples_of_the_rfc_are_encoded_to_the_byte() -> None:
    assert text(b"Hello") == b"\x81\x05Hello"
    assert encode(Opcode.PING, b"Hello") == b"\x89\x05Hello"


def test_a_close_carries_its_code_and_a_reason_that_is_cut_between_characters() -> None:
    assert close(1000) == b"\x88\x02\x03\xe8"
    assert close(None) == b"\x88\x00"
    frame = close(4401, "é" * 100)
    assert frame[:4] == b"\x88\x7c\x11\x31"
    assert frame[4:].decode() == "é" * 61


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_unmasking_is_the_exclusive_or_of_each_byte_and_its_own_inverse(data: bytes, mask: bytes) -> None:
    masked = unmask(data, mask)
    assert masked == bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    assert unmask(masked, mask) == data
