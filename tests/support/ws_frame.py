"""Frames as clients write them, and wrong ones as no client should. Independent of the gateway's own encoder."""

import os
import struct


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    is_final: bool = True,
    reserved: int = 0,
    mask: bytes | None = b"\x37\xfa\x21\x3d",
    length: bytes | None = None,
) -> bytes:
    """Return one frame; `mask` None leaves it unmasked, `length` replaces the length's encoding after its first bit."""
    bit = 0x80 if mask is not None else 0
    encoded = length if length is not None else _length(len(payload))
    head = bytes([(0x80 if is_final else 0) | reserved << 4 | opcode, bit | encoded[0]]) + encoded[1:]
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def random_mask() -> bytes:
    """Return a mask as clients choose them."""
    return os.urandom(4)


def close_payload(code: int, reason: bytes = b"") -> bytes:
    """Return what a close frame carries."""
    return struct.pack("!H", code) + reason


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([size])
    return b"\x7e" + struct.pack("!H", size) if size < 1 << 16 else b"\x7f" + struct.pack("!Q", size)
